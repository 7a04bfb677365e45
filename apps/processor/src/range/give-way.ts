import { setTimeout as sleep } from 'node:timers/promises';

/** A question is several statements, one behind the other: so long after the last one it is taken to go on. */
const QUESTION_GOES_ON_MS = 25;
/** Of the time that steps work, so much may be waited. */
const WAIT_SHARE = 0.5;
/** However long nobody has asked, no step waits longer than this. */
const MAX_CREDIT_MS = 1_000;
const LOOK_MS = 5;

export interface GiveWayParts {
  /** For how long (ms) nobody has waited for an answer. Absent: nobody ever does. */
  unaskedMs?: (() => number) | undefined;
  /** Milliseconds that only grow. */
  monotonicMs?: () => number;
  pause?: (ms: number) => Promise<unknown>;
}

/**
 * Ranges give way to questions between their steps. While somebody asks, one step is done at a time, and each waits first; all in all
 * they wait half as long as they work, whatever is asked. So questions have a third of the time to themselves, and what comes in goes
 * on being stored in the rest.
 */
export class GiveWay {
  readonly #parts: { unaskedMs: () => number; monotonicMs: () => number; pause: (ms: number) => Promise<unknown> };
  /** What may still be waited: a share of what steps worked, less what they waited. */
  #creditMs = 0;
  #atWork = 0;
  #atWorkSince = 0;

  constructor({ unaskedMs = () => Infinity, monotonicMs = () => performance.now(), pause = sleep }: GiveWayParts = {}) {
    this.#parts = { unaskedMs, monotonicMs, pause };
  }

  /** Does `work` when nobody asks, or when enough was waited. */
  async step<Result>(work: () => Promise<Result>): Promise<Result> {
    await this.#wait();
    const { monotonicMs } = this.#parts;
    if (this.#atWork++ === 0) this.#atWorkSince = monotonicMs();
    try {
      return await work();
    } finally {
      if (--this.#atWork === 0) this.#creditMs = Math.min(MAX_CREDIT_MS, this.#creditMs + WAIT_SHARE * (monotonicMs() - this.#atWorkSince));
    }
  }

  /** Does all of them, at once where nobody asks and else one after another. Resolves when all have ended, also when one fails. */
  async steps(works: readonly (() => Promise<void>)[]): Promise<PromiseSettledResult<void>[]> {
    const begun: Promise<void>[] = [];
    for (const work of works) {
      if (this.#isAsked) await Promise.allSettled(begun);
      begun.push(this.step(work));
    }
    return Promise.allSettled(begun);
  }

  get #isAsked(): boolean {
    return this.#parts.unaskedMs() < QUESTION_GOES_ON_MS;
  }

  async #wait(): Promise<void> {
    const { monotonicMs, pause } = this.#parts;
    while (this.#creditMs > 0 && this.#isAsked) {
      const startedAt = monotonicMs();
      await pause(LOOK_MS);
      this.#creditMs -= monotonicMs() - startedAt;
    }
  }
}
