/**
 * Every process of a running server is put in the place of its forerunner while senders send. Nothing acknowledged is
 * lost or doubled, and no connection is refused: it waits for the new process. `TIDEMARK_RESTART_ROUNDS=10` runs longer.
 */
import { request } from 'node:http';
import { expect, it } from 'vitest';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { tidemark } from '../tidemark-command.ts';
import { LedgerClient, seededRandom } from './ledger.ts';

const ROUNDS = Number(process.env['TIDEMARK_RESTART_ROUNDS'] ?? 1);
/** Generous: a collector is away for some 0.3 s where nothing else uses the two cores. */
/** In the short run, beside other tests, only that it ends. */
const LONGEST_GAP_MS = ROUNDS > 1 ? 5_000 : 30_000;

/** Opens a connection for each event, one after another, and keeps count of what became of them. */
class Caller {
  readonly codes = new Map<string, number>();
  longestMs = 0;
  readonly accepted = new Set<string>();
  #stopped = false;
  #calling: Promise<void> | undefined;

  start(url: string): void {
    this.#calling = (async () => {
      for (let number = 0; !this.#stopped; number++) {
        const startedAt = performance.now();
        const code = await this.#call(url, `c${number}`);
        this.codes.set(code, (this.codes.get(code) ?? 0) + 1);
        this.longestMs = Math.max(this.longestMs, performance.now() - startedAt);
        if (code === '202') this.accepted.add(`c${number}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#calling;
  }

  #call(url: string, eventId: string): Promise<string> {
    return new Promise((resolve) => {
      const call = request(`${url}/api/events`, { method: 'POST', agent: false, headers: { authorization: `Bearer ${WRITE_KEY}` } }, (response) => {
        response.resume().on('end', () => resolve(String(response.statusCode)));
      });
      call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
      call.end(JSON.stringify({ eventId, eventName: 'name_0', userId: 'caller', timestamp: Date.UTC(2026, 0, 3) }));
    });
  }
}

it.skipIf(process.platform !== 'linux')(`${ROUNDS} rolling restarts under load lose and double nothing and refuse no connection`, async () => {
  const server = await ServerUnderTest.start();
  try {
    await server.ready();
    const client = new LedgerClient(server, seededRandom(1));
    client.start(1);
    const said: string[] = [];
    const caller = new Caller();
    caller.start(server.url);
    for (let round = 0; round < ROUNDS; round++) {
      for (const what of round === 0 ? ['all'] : ['collector', 'engine', 'all']) {
        const { status, words } = await tidemark('restart', what, '--data', server.dataPath);
        expect(words).toMatch(/Restarted the (engine|collector): it was away for/);
        expect(status).toBe(0);
        said.push(words.trim());
      }
    }
    await caller.stop();
    await client.stop();
    await server.ready();
    expect(server.output).not.toMatch(/process is gone/);

    // A request in hand may be cut, as on any network; none is turned away.
    const { '202': accepted = 0, ECONNRESET: cut = 0, ...others } = Object.fromEntries(caller.codes);
    expect(others, 'answers and errors other than 202 and a cut connection').toEqual({});
    expect(cut).toBeLessThanOrEqual(2 * ROUNDS);
    expect(accepted).toBeGreaterThan(20);
    expect(caller.longestMs).toBeLessThan(LONGEST_GAP_MS);

    expect(await server.drained()).toMatchObject({ difference: 0 });
    const stored = await exportedIds(server);
    const unique = new Set(stored);
    expect(stored.length - unique.size, 'doubled').toBe(0);
    const acknowledged = [...client.acknowledged, ...caller.accepted];
    expect(acknowledged.filter((id) => !unique.has(id)), 'acknowledged and lost').toEqual([]);
    expect([...unique].filter((id) => !client.sent.has(id) && !id.startsWith('c')), 'invented').toEqual([]);
    console.log(`${acknowledged.length} acknowledged, ${client.resent} batches sent again, ${cut} connections cut, longest answer ${caller.longestMs.toFixed(0)} ms\n${said.join('\n')}`);
  } finally {
    await server.stop();
  }
}, 180_000 + ROUNDS * 60_000);

async function exportedIds(server: ServerUnderTest): Promise<string[]> {
  const response = await server.request('/api/events/export', { format: 'ndjson', from: '2025-12-01T00:00:00Z', to: '2026-02-01T00:00:00Z' });
  expect(response.status).toBe(200);
  const lines = (await response.text()).trimEnd().split('\n');
  return lines.map((line) => (JSON.parse(line) as { eventId: string }).eventId);
}

it('a restart is refused with a sentence where nothing runs, and for what can not be restarted', async () => {
  const { status, words } = await tidemark('restart', '--data', '/nonexistent/tidemark');
  expect([status, words]).toEqual([1, expect.stringContaining('No server is running')]);
  expect((await tidemark('restart', 'everything')).words).toContain('give engine, collector or all');
});
