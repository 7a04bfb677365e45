import { randomBytes } from 'node:crypto';
import type { HeldBack, JobRecord, JobRecords, RoundFacts } from '@tidemark/control';
import type { Job } from './job.ts';
import { Lease } from './lease.ts';
import { heldBackWords } from './plausible.ts';

/** A job, its last round by whichever engine, and its next one by this. */
export interface JobStatus {
  name: string;
  everyMs: number;
  /** It waits for its turn, or is at work. */
  running: boolean;
  /** Epoch ms of the end of the last round; undefined before the first. */
  lastRunMs: number | undefined;
  lastDurationMs: number | undefined;
  lastRows: number | undefined;
  lastResult: string | undefined;
  lastError: string | undefined;
  /** Stable: `implausible_effect`, `clock_doubted`, …; undefined when the error has none, or there was none. */
  lastErrorCode: string | undefined;
  /** Epoch ms; undefined before `start`. */
  nextRunMs: number | undefined;
  lease: { holder: string; untilMs: number } | undefined;
  heldBack: readonly HeldBack[];
}

export interface SchedulerOptions {
  /** Leases and facts, kept over restarts and shared with other engines. */
  records: JobRecords;
  onError: (job: string, error: unknown) => void;
  /** Told of each round that ended here. */
  onRound?: (job: string, round: RoundFacts) => void;
  nowMs?: () => number;
  /** When the first rounds begin, counted from the start; a job that runs more often begins after its own interval. */
  firstRoundMs?: number;
  /** In the place of every job's own interval: tests want them at work all the time. */
  everyMs?: number | undefined;
  /** How long a killed engine keeps a job from another one, at the most. */
  leaseMs?: number;
}

/**
 * The first rounds come soon, so that a server which is restarted often gets to its slow jobs too; not at once, as a
 * start after a fall has the log to catch up with.
 */
const FIRST_ROUND_MS = 30_000;
const LEASE_MS = 30_000;

/** How a round that was asked for ended: `elsewhere` = another engine is at it. */
export type RoundEnd = 'ended' | 'elsewhere' | 'stopped';

/** Runs each job again and again, one round at a time over all of them: two cores are not shared by two merges. */
export class JobScheduler {
  readonly #jobs: readonly Job[];
  readonly #options: SchedulerOptions;
  /** Names this scheduler among all that ever were. */
  readonly #holder = `engine-${process.pid}-${randomBytes(4).toString('hex')}`;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #nextRunMs = new Map<string, number>();
  /** Rounds that wait or run, by job. */
  readonly #rounds = new Map<string, number>();
  /** Names of the jobs whose next round is due and has not begun. */
  readonly #waiting = new Set<string>();
  #tail: Promise<unknown> = Promise.resolve();
  #lease: Lease | undefined;
  #stopped = false;

  constructor(jobs: readonly Job[], options: SchedulerOptions) {
    this.#jobs = jobs.map((job) => ({ name: job.name, everyMs: options.everyMs ?? job.everyMs, run: (signal) => job.run(signal) }));
    this.#options = options;
  }

  start(): void {
    const { firstRoundMs = FIRST_ROUND_MS } = this.#options;
    this.#jobs.forEach((job, index) => {
      const first = () => {
        this.#timers[index] = setInterval(() => this.#due(job), job.everyMs);
        this.#due(job);
      };
      const inMs = Math.min(job.everyMs, firstRoundMs);
      this.#nextRunMs.set(job.name, this.#nowMs() + inMs);
      this.#timers[index] = setTimeout(first, inMs);
    });
  }

  /** All jobs, in the order in which they were given. */
  async list(): Promise<JobStatus[]> {
    const records = new Map((await this.#options.records.list()).map((record) => [record.name, record]));
    return this.#jobs.map((job) => this.#status(job, records.get(job.name)));
  }

  /** Runs a job's next round now; resolves when it has ended. Throws for a name that is none of a job. */
  runNow(name: string): Promise<RoundEnd> {
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
    this.#tail = result.catch(() => {});
    return result;
  }

  /** Has the round in hand break off at its next step, and waits for that; no other begins. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#lease?.stop(new Error('The server is stopping.'));
    await this.#tail;
  }

  /** Behind a round that takes longer than a job's interval, the job waits once, not once an interval. */
  #due(job: Job): void {
    this.#nextRunMs.set(job.name, this.#nowMs() + job.everyMs);
    if (this.#waiting.has(job.name)) return;
    this.#waiting.add(job.name);
    void this.#enqueue(job);
  }

  #enqueue(job: Job): Promise<RoundEnd> {
    this.#count(job, 1);
    const end = this.#tail.then(() => this.#round(job)).finally(() => this.#count(job, -1));
    this.#tail = end;
    return end;
  }

  #count({ name }: Job, more: number): void {
    this.#rounds.set(name, (this.#rounds.get(name) ?? 0) + more);
  }

  async #round(job: Job): Promise<RoundEnd> {
    this.#waiting.delete(job.name);
    if (this.#stopped) return 'stopped';
    const { records, leaseMs = LEASE_MS, onError } = this.#options;
    const failed = (error: unknown) => onError(job.name, error);
    try {
      const lease = await Lease.take({ records, name: job.name, holder: this.#holder, leaseMs, onError: failed });
      if (lease === undefined) return 'elsewhere';
      this.#lease = lease;
      const facts = await this.#work(job, lease.signal);
      this.#lease = undefined;
      await lease.end(facts);
      this.#options.onRound?.(job.name, facts);
    } catch (error) {
      failed(error);
    }
    return this.#stopped ? 'stopped' : 'ended';
  }

  async #work(job: Job, signal: AbortSignal): Promise<RoundFacts> {
    const startedAt = performance.now();
    const told = (facts: Partial<RoundFacts>): RoundFacts => {
      const nothing = { rows: 0, result: null, error: null, errorCode: null, heldBack: [] };
      return { durationMs: performance.now() - startedAt, ...nothing, ...facts };
    };
    try {
      signal.throwIfAborted();
      const { rows, did, heldBack = [] } = (await job.run(signal)) ?? { rows: 0, did: null };
      if (heldBack.length === 0) return told({ rows, result: did });
      const error = new ImplausibleEffect(heldBackWords(job.name, heldBack));
      this.#options.onError(job.name, error);
      return told({ rows, result: did, error: error.message, errorCode: error.code, heldBack });
    } catch (error) {
      if (!this.#stopped) this.#options.onError(job.name, error);
      return told({ error: error instanceof Error ? error.message : String(error), errorCode: codeOf(error) });
    }
  }

  #status({ name, everyMs }: Job, record: JobRecord | undefined): JobStatus {
    const ended = record === undefined || record.endedAtMs === null ? undefined : record;
    return {
      name,
      everyMs,
      running: (this.#rounds.get(name) ?? 0) > 0,
      lastRunMs: ended?.endedAtMs ?? undefined,
      lastDurationMs: ended?.durationMs,
      lastRows: ended?.rows,
      lastResult: ended?.result ?? undefined,
      lastError: ended?.error ?? undefined,
      lastErrorCode: ended?.errorCode ?? undefined,
      nextRunMs: this.#nextRunMs.get(name),
      lease: record?.lease ?? undefined,
      heldBack: record?.heldBack ?? [],
    };
  }

  #nowMs(): number {
    return (this.#options.nowMs ?? Date.now)();
  }
}

/** What is told of a round that held a deletion back. */
class ImplausibleEffect extends Error {
  readonly code = 'implausible_effect';
}

/** Of our own errors; those of systems (`ENOSPC`) are in capitals and speak for themselves. */
function codeOf(error: unknown): string | null {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[a-z_]+$/.test(code) ? code : null;
}
