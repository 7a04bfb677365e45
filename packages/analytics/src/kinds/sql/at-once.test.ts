/** How many SQL queries run at once: of a project, and of all (rule Z4). */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AdhocBusy } from '@tidemark/warehouse';
import { ask } from '../../asking/ask.ts';
import { openTestStore, type TestStore } from '../../testing/store.ts';

/** Takes hours, and next to no memory. */
const ENDLESS = 'SELECT max(cityHash64(a, b, c)) FROM (SELECT arrayJoin(range(100000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(100000)) AS b) AS y CROSS JOIN (SELECT arrayJoin(range(1000)) AS c) AS z';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore({ sql: { atOnce: 2, atOnceInAll: 3, keepMs: 0 } });
});
afterAll(() => store.close());

const asked = (project: string, query: string, queryId = 'it'): Promise<unknown> => ask('sql', { query, queryId }, store.context(project)).catch((error: unknown) => error);
const cancelled = { problems: [{ code: 'sql_cancelled' }] };

it('a project has its share, all of them together no more than the server may', async () => {
  const running = [asked('p1', ENDLESS, 'first'), asked('p1', ENDLESS, 'second'), asked('p2', ENDLESS)];
  const refusals = [await asked('p1', 'SELECT 1'), await asked('p2', 'SELECT 1'), await asked('p3', 'SELECT 1')];
  for (const refusal of refusals) expect(refusal).toBeInstanceOf(AdhocBusy);
  expect(refusals.map((refusal) => (refusal as Error).message)).toEqual([
    expect.stringContaining('2 SQL queries of the project'),
    expect.stringContaining('3 SQL queries of this server'),
    expect.stringContaining('3 SQL queries of this server'),
  ]);
  expect(store.sql?.cancel('p1', 'first')).toBe(true);
  expect(await running[0]).toMatchObject(cancelled);
  expect(await asked('p3', 'SELECT 1')).toMatchObject({ rows: [[1]] });
  expect(store.sql?.cancel('p1', 'second')).toBe(true);
  expect(store.sql?.cancel('p2', 'it')).toBe(true);
  expect(await Promise.all(running.slice(1))).toMatchObject([cancelled, cancelled]);
});

it('all of a project that run under one queryId are cancelled, and no other project’s (rule Z7)', async () => {
  const running = [asked('p1', ENDLESS, 'report'), asked('p1', ENDLESS, 'report')];
  const others = asked('p2', ENDLESS, 'report');
  expect(await asked('p1', 'SELECT 1')).toBeInstanceOf(AdhocBusy);
  expect(store.sql?.cancel('p1', 'report')).toBe(true);
  expect(await Promise.all(running)).toMatchObject([cancelled, cancelled]);
  expect(store.sql?.cancel('p1', 'report')).toBe(false);
  expect(store.sql?.cancel('p2', 'report')).toBe(true);
  expect(await others).toMatchObject(cancelled);
});
