/**
 * kill -9 of the collector, the engine or both at random moments under load. The ledger outside says what must be
 * there: nothing acknowledged is lost, nothing is doubled, nothing is invented. `TIDEMARK_CRASH_ROUNDS=20` runs longer,
 * `TIDEMARK_SEED=…` runs the same again.
 */
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { expect, it } from 'vitest';
import { LedgerClient, seededRandom } from './ledger.ts';
import { ServerUnderTest } from '../server-under-test.ts';

const ROUNDS = Number(process.env['TIDEMARK_CRASH_ROUNDS'] ?? 4);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

interface Pipeline {
  balance: { received: number; stored: number; duplicate: number; pending: number; difference: number };
}

it.skipIf(process.platform !== 'linux')(`X5: ${ROUNDS} rounds of kill -9 under load lose, double and invent nothing (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const server = await ServerUnderTest.start();
  try {
    await server.ready();
    const client = new LedgerClient(server, random);
    client.start(4);
    for (let round = 0; round < ROUNDS; round++) {
      await new Promise((resolve) => setTimeout(resolve, 300 + random() * 1_200));
      const victim = (['collector', 'engine', 'both'] as const)[round < 3 ? round : Math.floor(random() * 3)]!;
      if (victim !== 'engine') server.kill('collector');
      if (victim !== 'collector') server.kill('engine');
      await server.ready();
    }
    await client.stop();
    const pipeline = await drained(server);
    const stored = await exportedIds(server).catch((error: unknown) => {
      throw new Error(`the export broke off; the server said:\n${server.output.slice(-4_000)}`, { cause: error });
    });

    const unique = new Set(stored);
    expect(stored.length - unique.size, 'doubled').toBe(0);
    expect([...client.acknowledged].filter((id) => !unique.has(id)), 'acknowledged and lost').toEqual([]);
    expect([...unique].filter((id) => !client.sent.has(id)), 'invented').toEqual([]);
    expect(pipeline.balance.stored).toBe(unique.size);
    expect(pipeline.balance.difference).toBe(0);
    expect(client.acknowledged.size).toBeGreaterThan(1_000);
    expect(pipeline.balance.duplicate, 'copies came, so that deduplication was at work').toBeGreaterThan(0);
    const trend = await server.ask<{ series: { total: number }[] }>('/api/analytics/trend', {
      series: [{ measure: 'events' }], from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z', granularity: 'month',
    });
    expect(trend.series[0]!.total).toBe(unique.size);
    console.log(`acknowledged ${client.acknowledged.size}, stored ${unique.size}, duplicates ${pipeline.balance.duplicate}, resent batches ${client.resent}`);
  } finally {
    await server.stop();
  }
}, 120_000 + ROUNDS * 30_000);

async function drained(server: ServerUnderTest): Promise<Pipeline> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const pipeline = await server.ask<Pipeline>('/api/pipeline');
    if (pipeline.balance.pending === 0) return pipeline;
    if (Date.now() > deadline) throw new Error(`still pending: ${JSON.stringify(pipeline)}\n${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
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
