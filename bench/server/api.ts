/** What the measures ask the server, over HTTP as anybody would. */
import { setTimeout as delay } from 'node:timers/promises';

export interface Balance {
  received: number;
  stored: number;
  duplicate: number;
  conflict: number;
  quarantined: number;
  filtered: number;
  rejected: number;
  pending: number;
  difference: number;
}

export interface Pipeline {
  balance: Balance;
  log: { partitions: { committedOffset: number; endOffset: number }[] };
  freshness: { p50Ms: number; p99Ms: number };
  dedup: { ids: number; memoryBytes: number };
  disk: { stores: Record<string, number>; tables: { table: string; rows: number; bytes: number; parts: number }[] };
}

export interface Job {
  name: string;
  running: boolean;
  lastRows: number | null;
  lastError: string | null;
}

export class Api {
  readonly #url: string;
  readonly #token: string;

  constructor(port: number, token: string) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#token = token;
  }

  /** Throws with the server's words when it does not answer 2xx. */
  async ask<Answer>(path: string, body?: unknown, method = 'POST'): Promise<Answer> {
    const response = await fetch(`${this.#url}${path}`, {
      ...(body === undefined ? {} : { method, body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': 'application/json' },
    });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  /** Runs a job, and resolves with what it says of itself once it is done. Throws when it failed. */
  async run(name: string): Promise<Job> {
    let job = await this.ask<Job>(`/api/jobs/${name}/run`, {});
    while (job.running) {
      await delay(100);
      job = (await this.jobs()).find((each) => each.name === name)!;
    }
    if (job.lastError !== null) throw new Error(`the job ${name} failed: ${job.lastError}`);
    return job;
  }

  async jobs(): Promise<Job[]> {
    return (await this.ask<{ jobs: Job[] }>('/api/jobs')).jobs;
  }

  pipeline(): Promise<Pipeline> {
    return this.ask('/api/pipeline');
  }

  /** How many events a question counts, of all names or of one; from yesterday to tomorrow. */
  async countEvents(event?: string): Promise<number> {
    const { series } = await this.ask<{ series: { total: number }[] }>('/api/analytics/trend', {
      series: [{ ...(event === undefined ? {} : { event }), measure: 'events' }],
      from: '-1d',
      to: new Date(Date.now() + 86_400_000).toISOString(),
      granularity: 'day',
      includeBots: true,
      cache: false,
    });
    return series[0]?.total ?? 0;
  }

  /** Every sample of /metrics, by `name{labels}` as it is written there. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`${this.#url}/metrics`);
    const text = await response.text();
    const samples = new Map<string, number>();
    for (const line of text.split('\n')) {
      const space = line.lastIndexOf(' ');
      if (space > 0 && !line.startsWith('#')) samples.set(line.slice(0, space), Number(line.slice(space + 1)));
    }
    return samples;
  }

  /** Records acknowledged and not in the stores; undefined while the engine is away or too busy to say. */
  lag(): Promise<number | undefined> {
    return this.#gauge('tidemark_processor_lag_events');
  }

  /** Offset after the last record that every store holds; undefined likewise. */
  committedOffset(): Promise<number | undefined> {
    return this.#gauge('tidemark_committed_offset');
  }

  /** Quarters of an hour that are not rolled up as of the last round of the job; throws when there was none. */
  async dirtyBuckets(): Promise<number> {
    const dirty = await this.#gauge('tidemark_rollup_dirty_buckets');
    if (dirty === undefined) throw new Error('the job rollups has not run yet');
    return dirty;
  }

  /** Bytes of the process that waits for the next SQL question; 0 while none is ready. */
  async waitingForSql(): Promise<number> {
    return (await this.#gauge('tidemark_sql_waiting_bytes')) ?? 0;
  }

  async #gauge(wanted: string): Promise<number | undefined> {
    for (const [name, value] of await this.metrics()) if (name === wanted || name.startsWith(`${wanted}{`)) return value;
    return undefined;
  }
}
