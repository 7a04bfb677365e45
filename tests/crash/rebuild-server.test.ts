/**
 * A whole server under load rebuilds its tables again and again while its engine is killed: nothing acknowledged is lost or
 * doubled, and the rebuild that was cut short goes on by itself. `TIDEMARK_REBUILD_ROUNDS=10` runs longer, `TIDEMARK_SEED=…`
 * the same again.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { API_TOKEN, PROGRAM, ServerUnderTest } from '../server-under-test.ts';
import { LedgerClient, seededRandom } from './ledger.ts';

const ROUNDS = Number(process.env['TIDEMARK_REBUILD_ROUNDS'] ?? 1);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

interface Rebuild {
  state: string;
  endedAt: string | null;
  rows: number;
  error: unknown;
}

it.skipIf(process.platform !== 'linux')(`${ROUNDS} rebuilds under load, the engine killed in each, lose and double nothing (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const server = await ServerUnderTest.start();
  try {
    await server.ready();
    const client = new LedgerClient(server, random);
    client.start(1);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (let round = 0; round < ROUNDS; round++) {
      const begun = await server.request('/api/rebuild', {});
      expect(begun.status, await begun.text()).toBe(202);
      await new Promise((resolve) => setTimeout(resolve, random() * 800));
      server.kill('engine');
      await server.ready();
      const rebuild = await ended(server);
      expect(rebuild, server.output.slice(-2_000)).toMatchObject({ state: 'done', error: null });
    }
    await client.stop();
    await server.drained();
    expect(await command(server, ['--status'])).toMatch(/^Rebuilt everything: \d+ events in /);
    // Once more, whole and at rest, by the command.
    expect(await command(server, [])).toMatch(/^Rebuilt everything: \d+ events in /);
    const trend = await server.ask<{ series: { total: number }[]; meta: unknown }>('/api/analytics/trend', {
      series: [{ measure: 'events' }], from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z', granularity: 'month',
    });
    const { balance, log } = await server.ask<{ balance: { stored: number; difference: number }; log: unknown }>('/api/pipeline');
    const told = JSON.stringify({ balance, log, acknowledged: client.acknowledged.size, sent: client.sent.size, meta: trend.meta });
    expect(trend.series[0]!.total, told).toBe(balance.stored);
    expect(balance.difference, told).toBe(0);
    expect(balance.stored, told).toBeGreaterThanOrEqual(client.acknowledged.size);
    expect(balance.stored, told).toBeLessThanOrEqual(client.sent.size);
    expect(server.output).not.toMatch(/parts? .*(broken|gone|vanished)/i);
  } finally {
    await server.stop();
  }
}, 180_000 + ROUNDS * 40_000);

async function ended(server: ServerUnderTest): Promise<Rebuild> {
  for (let waited = 0; ; waited += 100) {
    const rebuild = await server.ask<Rebuild>('/api/rebuild');
    if (rebuild.state !== 'running' && rebuild.state !== 'none') return rebuild;
    if (waited > 90_000) throw new Error(`still ${JSON.stringify(rebuild)}\n${server.output}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What `tidemark rebuild …` says, beside a server that is running. */
async function command(server: ServerUnderTest, flags: string[]): Promise<string> {
  const child = spawn(process.execPath, [PROGRAM, 'rebuild', '--url', server.url, '--token', API_TOKEN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.on('data', (chunk) => (said += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  expect(code, said).toBe(0);
  return said;
}
