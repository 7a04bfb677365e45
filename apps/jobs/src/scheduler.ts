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
  /** When the first rounds begin, counted from the start; a job that runs more often begins after its own interval. */
  firstRoundMs?: number;
}

/**
 * The first rounds come soon, so that a server which is restarted often gets to its slow jobs too; not at once, as a
 * start after a fall has the log to catch up with.
 */
const FIRST_ROUND_MS = 30_000;

/** Runs each job again and again, one round at a time over all of them: two cores are not shared by two merges. */
export class JobScheduler {
  readonly #jobs: readonly Job[];
  readonly #status = new Map<string, JobStatus>();
  readonly #options: SchedulerOptions;
  readonly #timers: NodeJS.Timeout[] = [];
  /** Names of the jobs whose next round is due and has not begun. */
  readonly #waiting = new Set<string>();
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
    const { firstRoundMs = FIRST_ROUND_MS } = this.#options;
    this.#jobs.forEach((job, index) => {
      const first = () => {
        this.#timers[index] = setInterval(() => this.#due(job), job.everyMs);
        this.#due(job);
      };
      this.#timers[index] = setTimeout(first, Math.min(job.everyMs, firstRoundMs));
    });
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
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#tail;
  }

  /** Behind a round that takes longer than a job's interval, the job waits once, not once an interval. */
  #due(job: Job): void {
    if (this.#waiting.has(job.name)) return;
    this.#waiting.add(job.name);
    void this.#enqueue(job);
  }

  #enqueue(job: Job): Promise<void> {
    this.#tail = this.#tail.then(() => this.#round(job));
    return this.#tail;
  }

  async #round(job: Job): Promise<void> {
    this.#waiting.delete(job.name);
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
