/** SQL where a machine makes no namespaces: the process is a plain one, the judge and the caps are the same. */
import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { filesOf, largestFile } from '../../testing/largest-file.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { sqlFile } from './file.ts';

/** Takes hours, and next to no memory. */
const ENDLESS = 'SELECT max(cityHash64(a, b, c)) FROM (SELECT arrayJoin(range(100000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(100000)) AS b) AS y CROSS JOIN (SELECT arrayJoin(range(1000)) AS c) AS z';

const FILE_BYTES = 12 << 20;
/** 800 MB of numbers that can't be packed. */
const LARGE = 'SELECT cityHash64(a, b) AS n FROM (SELECT arrayJoin(range(1000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(100000)) AS b) AS y';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore({ sql: { timeoutMs: 4_000, fileBytes: FILE_BYTES }, confine: false });
  await store.add([storedEvent({ userId: 'ann' }), storedEvent({ project: 'p2', userId: 'bob', eventName: 'secret' })]);
});
afterAll(() => store.close());

const asked = (query: string): Promise<object> => ask('sql', { query }, store.context('p1'));
const refused = (code: string): object => ({ problems: [{ code, field: 'query' }] });

it('answers of the project alone', async () => {
  expect(store.sql?.isConfined).toBe(false);
  expect(await asked('SELECT user_id, event_name FROM events')).toMatchObject({ rows: [['ann', 'view']] });
});

it('refuses files, system tables and statements that write', async () => {
  for (const query of ["SELECT * FROM file('/etc/passwd', 'LineAsString')", 'SELECT * FROM system.tables', "SELECT 1 INTO OUTFILE '/tmp/x'", 'DROP TABLE events', "SELECT * FROM url('http://127.0.0.1/', 'CSV')"]) {
    await expect(asked(query), query).rejects.toMatchObject(refused('sql_not_allowed'));
  }
});

it('leaves nothing behind, in the folder of temporary files neither', async () => {
  const left = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('tidemark-sql-'));
  const before = left();
  await asked('SELECT 1');
  await expect(asked('SELECT sleep(1)')).rejects.toMatchObject(refused('sql_not_allowed'));
  expect(left().filter((name) => !before.includes(name))).toEqual([]);
});

it('writes no more of a file than it may have', async () => {
  const made = sqlFile({ query: LARGE, format: 'parquet' }, store.context('p1')).then(({ stream }) => stream().next());
  expect(await largestFile(store.sqlFolder, 'results/result.parquet', made.catch(() => {}))).toBeLessThanOrEqual(FILE_BYTES + 512);
  await expect(made).rejects.toMatchObject(refused('sql_result_too_large'));
  expect(filesOf(store.sqlFolder, 'results/result.parquet')).toEqual([]);
});

it('ends what takes longer than it may', async () => {
  const startedMs = performance.now();
  await expect(asked(ENDLESS)).rejects.toMatchObject(refused('sql_timeout'));
  expect(performance.now() - startedMs).toBeLessThan(120_000);
});
