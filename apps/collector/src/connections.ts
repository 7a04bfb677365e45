import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/**
 * Which connections have requests in flight. Node's own closeIdleConnections leaves alone those that never sent a
 * byte, as browsers and load balancers keep them in reserve: they would hold up every stop.
 */
export class Connections {
  readonly #inFlight = new Map<Socket, number>();

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      this.#inFlight.set(socket, 0);
      socket.once('close', () => this.#inFlight.delete(socket));
    });
  }

  get open(): number {
    return this.#inFlight.size;
  }

  /** Called with each request; it is in flight until its answer is out. */
  begin(socket: Socket, res: ServerResponse): void {
    this.#add(socket, 1);
    res.once('close', () => this.#add(socket, -1));
  }

  /** Ends the connections that have nothing in flight. */
  closeQuiet(): void {
    for (const [socket, inFlight] of this.#inFlight) if (inFlight === 0) socket.destroySoon();
  }

  #add(socket: Socket, change: 1 | -1): void {
    const inFlight = this.#inFlight.get(socket);
    if (inFlight !== undefined) this.#inFlight.set(socket, inFlight + change);
  }
}
