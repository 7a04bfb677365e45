import { WRITE_KEY } from '../server-under-test.ts';

/**
 * A client outside the server with a ledger of its own: which ids it sent and which were acknowledged. A batch without
 * an answer is mostly sent again, as clients do, so that copies come; some are given up, and may be there or not.
 */
export class LedgerClient {
  readonly sent = new Set<string>();
  readonly acknowledged = new Set<string>();
  resent = 0;
  /** Called with the ids of each batch in the moment in which it is acknowledged. */
  onAcknowledged: (ids: readonly string[]) => void = () => {};
  readonly #server: { readonly url: string };
  readonly #random: () => number;
  #number = 0;
  #stopping = false;
  #workers: Promise<void>[] = [];

  constructor(server: { readonly url: string }, random: () => number) {
    this.#server = server;
    this.#random = random;
  }

  start(workers: number): void {
    this.#workers = Array.from({ length: workers }, () => this.#work());
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#workers);
  }

  async #work(): Promise<void> {
    while (!this.#stopping) {
      const ids = Array.from({ length: 40 }, () => `e${this.#number++}`);
      for (const id of ids) this.sent.add(id);
      await this.#deliver(ids);
    }
  }

  async #deliver(ids: readonly string[]): Promise<void> {
    const events = ids.map((eventId, index) => ({
      eventId,
      eventName: `name_${index % 5}`,
      userId: `u${index % 11}`,
      timestamp: Date.UTC(2026, 0, 1) + index * 3_600_000,
      properties: { text: 'x'.repeat(200), index },
    }));
    for (;;) {
      const accepted = await this.#post({ events });
      if (accepted === ids.length) {
        for (const id of ids) this.acknowledged.add(id);
        this.onAcknowledged(ids);
        // Now and then a client sends what was already taken.
        if (this.#random() < 0.05) await this.#post({ events });
        return;
      }
      if (accepted !== undefined) throw new Error(`the server accepted ${accepted} of ${ids.length} good events`);
      if (this.#random() < 0.1) return;
      this.resent++;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How many were accepted; undefined when there was no answer, or a 503. */
  async #post(body: unknown): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.#server.url}/api/events/batch`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { authorization: `Bearer ${WRITE_KEY}` },
      });
      const text = await response.text();
      if (response.status === 503) return undefined;
      if (response.status !== 202) throw new UnexpectedAnswer(`${response.status}: ${text}`);
      return (JSON.parse(text) as { accepted: number }).accepted;
    } catch (error) {
      if (error instanceof UnexpectedAnswer || error instanceof SyntaxError) throw error;
      return undefined;
    }
  }
}

class UnexpectedAnswer extends Error {}

/** A small seeded generator (mulberry32), so that a failing run can be done again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
