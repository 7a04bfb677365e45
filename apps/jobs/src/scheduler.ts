import type { Job } from './job.ts';

export interface JobStatus {
  name: string;
  everyMs: number;
  /** Epoch ms of the end of the last round; undefined before the first. */
  lastRunMs: number | undefined;
  lastDurationMs: number | undefined;
  lastResult: string | undefined;
  lastError: string | undefined;
}

export interface SchedulerOptions {
  onError: (job: string, error: unknown) => void;
  nowMs?: () => number;
}

/** Runs each job again and again, one round at a time over all of them: two cores are not shared by two merges. */
export class JobScheduler {
  readonly #jobs: readonly Job[];
  readonly #status = new Map<string, JobStatus>();
  readonly #options: SchedulerOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  #tail: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(jobs: readonly Job[], options: SchedulerOptions) {
    this.#jobs = jobs;
    this.#options = options;
    for (const { name, everyMs } of jobs) {
      this.#status.set(name, { name, everyMs, lastRunMs: undefined, lastDurationMs: undefined, lastResult: undefined, lastError: undefined });
    }
  }

  start(): void {
    for (const job of this.#jobs) this.#timers.push(setInterval(() => void this.#enqueue(job), job.everyMs));
  }

  get status(): JobStatus[] {
    return [...this.#status.values()];
  }

  /** Runs a job's next round now; resolves when it has ended. */
  runNow(name: string): Promise<void> {
    const job = this.#jobs.find((each) => each.name === name);
    if (job === undefined) throw new Error(`There is no job ${name}.`);
    return this.#enqueue(job);
  }

  /** Takes a piece of work that is not to run beside a job. Rejects when it fails, or when the scheduler has stopped. */
  exclusively<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(() => {
      if (this.#stopped) throw new Error('The server is stopping.');
      return work();
    });
    this.#tail = result.then(
      () => {},
      () => {},
    );
    return result;
  }

  /** Waits for the round in hand; no other begins. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#tail;
  }

  #enqueue(job: Job): Promise<void> {
    this.#tail = this.#tail.then(() => this.#round(job));
    return this.#tail;
  }

  async #round(job: Job): Promise<void> {
    if (this.#stopped) return;
    const status = this.#status.get(job.name)!;
    const startedAt = performance.now();
    try {
      status.lastResult = await job.run();
      status.lastError = undefined;
    } catch (error) {
      status.lastError = error instanceof Error ? error.message : String(error);
      this.#options.onError(job.name, error);
    }
    status.lastRunMs = (this.#options.nowMs ?? Date.now)();
    status.lastDurationMs = performance.now() - startedAt;
  }
}
