import type { IncomingMessage } from 'node:http';

/** The memory that bodies on their way in may take together. */
export class BodyBudget {
  readonly #maxBytes: number;
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Takes bytes out of the budget; false when there are not so many left. */
  take(bytes: number): boolean {
    if (this.#heldBytes + bytes > this.#maxBytes) return false;
    this.#heldBytes += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#heldBytes -= bytes;
  }
}

export type BodyRead =
  /** The caller gives the bytes back to the budget when it has done with them. */
  | { kind: 'body'; bytes: Buffer }
  | { kind: 'too_large'; receivedBytes: number }
  | { kind: 'no_room'; receivedBytes: number }
  /** The sender went away; there is nobody to answer. */
  | { kind: 'aborted'; receivedBytes: number };

/** Reads a body, counting as it comes: Content-Length may be absent, and is a claim. */
export function readBody(req: IncomingMessage, maxBytes: number, budget: BodyBudget): Promise<BodyRead> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let received = 0;
    let held = 0;

    function settle(read: BodyRead): void {
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      if (read.kind !== 'body') budget.give(held);
      resolve(read);
    }
    function onData(chunk: Buffer): void {
      received += chunk.length;
      if (received > maxBytes) return settle({ kind: 'too_large', receivedBytes: received });
      if (!budget.take(chunk.length)) return settle({ kind: 'no_room', receivedBytes: received });
      held += chunk.length;
      chunks.push(chunk);
    }
    function onEnd(): void {
      settle({ kind: 'body', bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, received) });
    }
    function onClose(): void {
      settle({ kind: 'aborted', receivedBytes: received });
    }
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
