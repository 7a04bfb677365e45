import type { Server } from './server.ts';

const EVERY_MS = 200;

/**
 * How many events a second the stores take while a load lasts: between the first and the last commit that are seen, as
 * events are committed in ranges of up to 100,000 and the ends of a window cut through two of them.
 */
export class CommitRate {
  readonly #server: Server;
  readonly #commits: { at: number; offset: number }[] = [];
  readonly #timer: NodeJS.Timeout;
  #asking = false;

  constructor(server: Server) {
    this.#server = server;
    this.#timer = setInterval(() => void this.#ask().catch(() => {}), EVERY_MS);
  }

  /** Events a second, and of how many commits; undefined when there were not two of them to measure between. */
  stop(): { eventsPerSecond: number | undefined; commits: number } {
    clearInterval(this.#timer);
    // The first sample is no commit: it is what stood there when we began to look.
    const seen = this.#commits.slice(1);
    const [first, last] = [seen[0], seen.at(-1)];
    if (first === undefined || last === undefined || first === last) return { eventsPerSecond: undefined, commits: seen.length };
    return { eventsPerSecond: (last.offset - first.offset) / ((last.at - first.at) / 1000), commits: seen.length };
  }

  /** One that fails under overload is made up for by the next. */
  async #ask(): Promise<void> {
    if (this.#asking) return;
    this.#asking = true;
    try {
      const offset = await this.#server.api.committedOffset();
      if (offset !== undefined && offset !== this.#commits.at(-1)?.offset) this.#commits.push({ at: performance.now(), offset });
    } finally {
      this.#asking = false;
    }
  }
}
