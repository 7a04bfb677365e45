import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;
const RETRY_MS = [250, 1_000, 5_000] as const;

interface RangeLoopParts {
  /** Takes a range, or finds none due and resolves to false. What it throws is told, and it is asked again after a while. */
  next(): Promise<boolean>;
  /** How long nothing is looked for where nothing was due. */
  idleMs?: number;
  failed(error: unknown): void;
}

/** Takes one range after another until it is stopped. */
export class RangeLoop {
  readonly #parts: RangeLoopParts;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(parts: RangeLoopParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Resolves when the range in hand is done. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  /** True once `isReached` says so; false after `timeoutMs`, or when the loop is stopped before. */
  async until(isReached: () => boolean, timeoutMs: number): Promise<boolean> {
    const deadline = performance.now() + timeoutMs;
    while (!isReached()) {
      if (performance.now() >= deadline || this.#stopping) return false;
      await sleep(POLL_MS);
    }
    return true;
  }

  async #run(): Promise<void> {
    const { next, idleMs = POLL_MS, failed } = this.#parts;
    let failures = 0;
    while (!this.#stopping) {
      try {
        if (!(await next())) await sleep(idleMs);
        failures = 0;
      } catch (error) {
        failed(error);
        await this.#pause(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)]!);
      }
    }
  }

  /** Waits, but not past a stop. */
  async #pause(ms: number): Promise<void> {
    for (let waited = 0; waited < ms && !this.#stopping; waited += POLL_MS) await sleep(POLL_MS);
  }
}
