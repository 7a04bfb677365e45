/**
 * Connections to the engine that read into memory which is used again. Node's client takes new memory for each read, and copies each
 * body out of it: of a person's page, 120 KB, 300 KB were left to be collected, and as nothing of it lies in V8's young space, whole
 * collections had to do it: 13 to 16 for a thousand pages, each 5 to 10 ms that somebody waited for (Node 20.20).
 */
import { Agent, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';

const READ_BYTES = 65_536;
/** What is kept for later: 2 MB. */
const MAX_FREE = 32;

/** The head of an answer whose body is so many bytes that lie in it as they are. */
export interface PlainHead {
  status: number;
  statusMessage: string;
  headers: IncomingHttpHeaders;
  bodyBytes: number;
}

/** Takes a plain answer in place of Node's parser. */
export interface PlainBody {
  /** The next bytes; they stay as they are until `isSent`. False: no more for now, until the socket is resumed. */
  write(bytes: Buffer): boolean;
  /** That was all. `free` gives its memory back, to be called once it was sent. */
  end(free: () => void): void;
  /** Whether nothing of what was written is needed any more. */
  isSent(): boolean;
}

/** Memory for reads, shared by all connections. */
class ReadMemory {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(READ_BYTES);
  }

  give(buffers: Buffer[]): void {
    for (const buffer of buffers.splice(0)) if (this.#free.length < MAX_FREE) this.#free.push(buffer);
  }
}

/** Asked once when an answer begins that may be taken plain; undefined leaves it to Node's parser. */
type OnPlain = (head: PlainHead) => PlainBody | undefined;

/**
 * Connections to the engine for Node's client. Everything but what `OnPlain` takes goes through Node's parser, which keeps nothing of the
 * memory; of a plain answer the parser is told in the end that there was one, so that the connection serves the next request.
 */
export class EngineConnections {
  /** Of requests without a body: a connection costs both sides 0.3 ms of a page of 6 (2026-11-23). */
  readonly kept = new KeepingAgent(() => this.connect());
  readonly #path: string;
  readonly #memory = new ReadMemory();
  readonly #begin = new WeakMap<Socket, (onPlain: OnPlain) => void>();

  constructor(path: string) {
    this.#path = path;
  }

  /** The next answer on this connection is `onPlain`'s to take. */
  begin(socket: Socket, onPlain: OnPlain): void {
    this.#begin.get(socket)!(onPlain);
  }

  /** Ends those that serve nobody. */
  close(): void {
    for (const socket of Object.values(this.kept.freeSockets).flat()) socket?.destroy();
  }

  connect(): Socket {
    const memory = this.#memory;
    /** Read into since the body was last sent; the last of them is the one that is read into now. */
    const held: Buffer[] = [];
    let asked: OnPlain | undefined;
    let body: PlainBody | 'by the parser' | undefined;
    let ended = ANSWERED;
    let left = 0;

    function next(): Buffer {
      // The parser has copied what it needs.
      if (body === 'by the parser' && held.length > 0) return held[0]!;
      if (body === undefined || (body !== 'by the parser' && body.isSent())) memory.give(held);
      const buffer = memory.take();
      held.push(buffer);
      return buffer;
    }

    function hear(length: number, read: Uint8Array): boolean {
      const bytes = Buffer.from(read.buffer, read.byteOffset, length);
      if (body === undefined) {
        // Nobody asked: what else comes here can't be trusted.
        if (asked === undefined) return !socket.destroy();
        const head = plainHead(bytes);
        body = (head && asked(head)) ?? 'by the parser';
        if (head !== undefined && body !== 'by the parser') {
          left = head.bodyBytes;
          ended = head.headers.connection?.toLowerCase() === 'close' ? ANSWERED_LAST : ANSWERED;
          return pass(body, bytes.subarray(head.headBytes));
        }
      }
      if (body !== 'by the parser') return pass(body, bytes);
      // Behind its answer nobody listens any more: what comes there can't be trusted.
      if (!socket.emit('data', bytes)) socket.destroy();
      return true;
    }

    function pass(to: PlainBody, bytes: Buffer): boolean {
      const taken = bytes.length > left ? bytes.subarray(0, left) : bytes;
      left -= taken.length;
      const goesOn = taken.length === 0 || to.write(taken);
      if (left > 0) return goesOn;
      const written = held.splice(0);
      [body, asked] = [undefined, undefined];
      to.end(() => memory.give(written));
      // More than the whole answer: nobody knows whose it is.
      if (taken.length < bytes.length) socket.destroy();
      if (!socket.destroyed) socket.emit('data', ended);
      return true;
    }

    const socket: Socket = connect({ path: this.#path, onread: { buffer: next, callback: hear } });
    this.#begin.set(socket, (onPlain) => {
      [asked, body] = [onPlain, undefined];
    });
    socket.on('free', () => {
      [asked, body] = [undefined, undefined];
    });
    socket.once('close', () => {
      // Of an answer that broke off a write may still be under way: that memory is given up.
      if (body === undefined || body === 'by the parser') memory.give(held);
    });
    return socket;
  }
}

/** What the parser is told of an answer that did not go through it. */
const ANSWERED = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
const ANSWERED_LAST = Buffer.from('HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
/** So many may wait for the next request. */
const MAX_KEPT = 8;

class KeepingAgent extends Agent {
  readonly #connect: () => Socket;

  constructor(connect: () => Socket) {
    super({ keepAlive: true, maxFreeSockets: MAX_KEPT });
    this.#connect = connect;
  }

  override createConnection(): Socket {
    return this.#connect();
  }
}

const HEAD_END = Buffer.from('\r\n\r\n');

/** undefined unless the head is whole, the answer is a final one, and its body's length stands in it. */
function plainHead(bytes: Buffer): (PlainHead & { headBytes: number }) | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const [, status, statusMessage = ''] = /^HTTP\/1\.1 ([2-5]\d\d) ?(.*)$/.exec(first) ?? [];
  if (status === undefined || status === '204' || status === '304') return undefined;
  const headers: IncomingHttpHeaders = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    // What may come twice, and what frames a body in other ways, is the parser's.
    if (colon < 1 || headers[name] !== undefined || name === 'set-cookie' || name === 'transfer-encoding' || name === 'upgrade') return undefined;
    headers[name] = line.slice(colon + 1).trim();
  }
  const length = headers['content-length'] ?? '';
  if (!/^[1-9]\d{0,14}$/.test(length)) return undefined;
  return { status: Number(status), statusMessage, headers, bodyBytes: Number(length), headBytes: end + HEAD_END.length };
}
