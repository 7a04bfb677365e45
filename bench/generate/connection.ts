import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');

export interface Answer {
  status: number;
  body: string;
}

/** One keep-alive HTTP/1.1 connection that posts bodies one after another: no more than a generator needs. */
export class Connection {
  readonly #socket: Socket;
  readonly #head: string;
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined;
  #received: Buffer = Buffer.alloc(0);

  static open(port: number, path: string, writeKey: string): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.removeListener('error', reject);
        resolve(new Connection(socket, path, writeKey));
      });
    });
  }

  private constructor(socket: Socket, path: string, writeKey: string) {
    this.#socket = socket;
    this.#head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${writeKey}\r\ncontent-type: application/json\r\ncontent-length: `;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('close', () => this.#waiting?.reject(new Error('connection closed')));
    socket.on('error', (error) => this.#waiting?.reject(error));
  }

  /** Rejects when the connection ends without an answer: whether the body was taken is then unknown. */
  post(body: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error('connection closed'));
      this.#waiting = { resolve, reject };
      this.#socket.cork();
      this.#socket.write(`${this.#head}${body.length}\r\n\r\n`, 'latin1');
      // A copy: the template's bytes are written anew before the socket may have taken them.
      this.#socket.write(Buffer.from(body));
      this.#socket.uncork();
    });
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd === -1) return;
    const head = this.#received.toString('latin1', 0, headEnd);
    const declared = /content-length: (\d+)/i.exec(head)?.[1];
    if (declared === undefined) throw new Error(`an answer without Content-Length, which this client can't read: ${head}`);
    const length = Number(declared);
    if (this.#received.length < headEnd + 4 + length) return;
    const body = this.#received.toString('utf8', headEnd + 4, headEnd + 4 + length);
    this.#received = this.#received.subarray(headEnd + 4 + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }
}
