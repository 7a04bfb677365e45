/**
 * kill -9 of the collector, the engine or both at random moments under load. The ledger outside says what must be
 * there: nothing acknowledged is lost, nothing is doubled, nothing is invented. All the while every job runs each second,
 * and retention deletes what is old of another project. `TIDEMARK_CRASH_ROUNDS=20` runs longer,
 * `TIDEMARK_SEED=…` runs the same again.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { expect, it } from 'vitest';
import { LedgerClient, seededRandom } from './ledger.ts';
import { Project } from '../e2e/project.ts';
import { ServerUnderTest } from '../server-under-test.ts';

const ROUNDS = Number(process.env['TIDEMARK_CRASH_ROUNDS'] ?? 3);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

interface JobFacts {
  name: string;
  lastRun: string | null;
  lastError: string | null;
}

it.skipIf(process.platform !== 'linux')(`X5: ${ROUNDS} rounds of kill -9 under load lose, double and invent nothing (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const server = await ServerUnderTest.start({ env: { TIDEMARK_JOBS_EVERY_MS: '1000' } });
  try {
    await server.ready();
    const ageing = await AgeingProject.create(server);
    const client = new LedgerClient(server, random);
    client.start(2);
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300 + random() * 1_200));
      const victim = (['collector', 'engine', 'both'] as const)[round < 3 ? round : Math.floor(random() * 3)]!;
      await ageing.shortenRetention();
      await new Promise((resolve) => setTimeout(resolve, random() * 1_000));
      if (victim !== 'engine') server.kill('collector');
      if (victim !== 'collector') server.kill('engine');
      await server.ready();
    }
    await expect.poll(() => client.acknowledged.size, { timeout: 120_000 }).toBeGreaterThan(5_000);
    await client.stop();
    await expect.poll(() => ageing.held(), { timeout: 120_000, message: 'retention deletes what is old, and nothing else' }).toEqual([ageing.expected, ageing.expected]);
    const balance = await server.drained();
    const stored = await exportedIds(server).catch((error: unknown) => {
      throw new Error(`the export broke off; the server said:\n${server.output.slice(-4_000)}`, { cause: error });
    });

    const unique = new Set(stored);
    expect(stored.length - unique.size, 'doubled').toBe(0);
    expect([...client.acknowledged].filter((id) => !unique.has(id)), 'acknowledged and lost').toEqual([]);
    expect([...unique].filter((id) => !client.sent.has(id)), 'invented').toEqual([]);
    expect(balance.stored).toBe(unique.size);
    expect(balance.difference).toBe(0);
    expect(balance.duplicate, 'copies came, so that deduplication was at work').toBeGreaterThan(0);
    const trend = await server.ask<{ series: { total: number }[] }>('/api/analytics/trend', {
      series: [{ measure: 'events' }], from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z', granularity: 'month',
    });
    expect(trend.series[0]!.total).toBe(unique.size);
    // One that a kill cut off runs again; none fails for good.
    const unwell = async () => (await server.ask<{ jobs: JobFacts[] }>('/api/jobs')).jobs.filter(({ lastRun, lastError }) => lastRun === null || lastError !== null);
    await expect.poll(unwell).toEqual([]);
    console.log(`acknowledged ${client.acknowledged.size}, stored ${unique.size}, duplicates ${balance.duplicate}, resent batches ${client.resent}`);
  } finally {
    await server.stop();
  }
}, 180_000 + ROUNDS * 30_000);

const AGES_DAYS = [1, 20, 40, 60, 80, 100];

/** A project with 100 events of each age, whose retention is shortened by and by. */
class AgeingProject {
  readonly #project: Project;
  #retentionDays = 110;

  static async create(server: ServerUnderTest): Promise<AgeingProject> {
    const project = await Project.create(server, 'Ageing');
    for (const days of AGES_DAYS) {
      const timestamp = Date.now() - days * 86_400_000;
      await project.send(Array.from({ length: 100 }, (_, index) => ({ eventId: `${days}-${index}`, eventName: 'click', userId: 'u1', timestamp })));
    }
    return new AgeingProject(project);
  }

  private constructor(project: Project) {
    this.#project = project;
  }

  async shortenRetention(): Promise<void> {
    this.#retentionDays = Math.max(10, this.#retentionDays - 20);
    await this.#project.api(`/api/projects/${this.#project.id}/settings`, { retentionDays: this.#retentionDays }, { method: 'PUT' });
  }

  /** What retention is to leave. */
  get expected(): number {
    return 100 * AGES_DAYS.filter((days) => days < this.#retentionDays).length;
  }

  /** How many events there are, by the table of events (rollups keep what they counted) and by the timeline. */
  async held(): Promise<number[]> {
    const trend = await this.#project.api('/api/analytics/trend', { series: [{ measure: 'events' }], range: 'last 200d', granularity: 'month', rollups: false, cache: false });
    const { events } = await this.#project.api('/api/users/u1/timeline?limit=1000');
    return [trend['series'][0].total, events.length];
  }
}

async function exportedIds(server: ServerUnderTest): Promise<string[]> {
  const response = await server.request('/api/events/export', { format: 'ndjson', from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z' });
  expect(response.status).toBe(200);
  // Line by line: twenty rounds leave over a million events, and no string is that long.
  const ids: string[] = [];
  for await (const line of createInterface({ input: Readable.fromWeb(response.body as ReadableStream) })) {
    ids.push((JSON.parse(line) as { eventId: string }).eventId);
  }
  return ids;
}
