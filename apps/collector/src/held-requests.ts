/** Requests of clients that would lose their events by a refusal: they wait at the door, unread, until there is room. */
import type { IncomingMessage } from 'node:http';

/** Each holds a connection, of which there are 8,192 for everybody. */
const MAX_HELD = 1_000;
const LOOK_EVERY_MS = 100;

export class HeldRequests {
  #held = 0;

  /** Resolves when `mayPass` says so, when `ms` are over, at once where too many wait already, or when the sender has gone. */
  async hold(req: IncomingMessage, ms: number, mayPass: () => boolean): Promise<'judged' | 'aborted'> {
    if (this.#held >= MAX_HELD) return 'judged';
    this.#held++;
    const deadlineMs = performance.now() + ms;
    try {
      while (!mayPass() && performance.now() < deadlineMs) {
        await new Promise((next) => setTimeout(next, LOOK_EVERY_MS));
        if (req.destroyed) return 'aborted';
      }
    } finally {
      this.#held--;
    }
    return 'judged';
  }
}
