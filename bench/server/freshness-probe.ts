import { setTimeout as delay } from 'node:timers/promises';
import type { Ledger } from '../oracle/counts.ts';
import type { Server } from './server.ts';
import { WRITE_KEY } from './server.ts';

const EVENT = 'freshness_probe';
const SEND_EVERY_MS = 250;
const ASK_EVERY_MS = 150;

/**
 * How long an event takes from being sent to being counted, seen from outside: a few events of a name of their own go
 * in with the load, and a question counts them over and over. It errs by up to the time between two questions, upwards.
 */
export class FreshnessProbe {
  readonly #server: Server;
  readonly #ledger: Ledger;
  readonly #sentAt: number[] = [];
  readonly #samplesMs: number[] = [];
  #running: Promise<unknown> | undefined;
  #stopping = false;

  constructor(server: Server, ledger: Ledger) {
    this.#server = server;
    this.#ledger = ledger;
  }

  start(): void {
    this.#stopping = false;
    this.#running = Promise.all([this.#send(), this.#ask()]);
  }

  /** Resolves to the samples since the start, in ms, once all that was sent has been counted. */
  async stop(): Promise<number[]> {
    this.#stopping = true;
    await this.#running;
    return this.#samplesMs.splice(0);
  }

  async #send(): Promise<void> {
    while (!this.#stopping) {
      const sentAt = performance.now();
      const response = await fetch(`http://127.0.0.1:${this.#server.port}/api/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${WRITE_KEY}` },
        body: JSON.stringify({ eventId: crypto.randomUUID(), eventName: EVENT, anonymousId: 'probe' }),
      });
      if (response.status !== 202) throw new Error(`a probe was answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
      this.#sentAt.push(sentAt);
      this.#ledger.add({ accepted: 1, acceptedRepeats: 0 });
      await delay(Math.max(0, SEND_EVERY_MS - (performance.now() - sentAt)));
    }
  }

  async #ask(): Promise<void> {
    for (let counted = await this.#server.api.countEvents(EVENT); !this.#stopping || counted < this.#sentAt.length; ) {
      await delay(ASK_EVERY_MS);
      const before = counted;
      counted = await this.#server.api.countEvents(EVENT);
      const now = performance.now();
      for (const sentAt of this.#sentAt.slice(before, counted)) this.#samplesMs.push(now - sentAt);
    }
  }
}
