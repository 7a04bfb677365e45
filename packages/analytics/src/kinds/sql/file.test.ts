/** Results of SQL as files (rule Z8), read to their end. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { filesOf, largestFile } from '../../testing/largest-file.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { sqlFile } from './file.ts';

const FILE_BYTES = 12 << 20;
/** 800 MB of numbers that can't be packed. */
const LARGE = 'SELECT cityHash64(a, b) AS n FROM (SELECT arrayJoin(range(1000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(100000)) AS b) AS y';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore({ sql: { fileBytes: FILE_BYTES } });
  await store.add([storedEvent({ userId: 'ann' })]);
});
afterAll(() => store.close());

async function file(format: 'csv' | 'ndjson' | 'parquet', query: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await sqlFile({ query, format }, store.context('p1'))).stream()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('one that is too large is never written to its end, is gone, and the next query is answered', async () => {
  const made = file('parquet', LARGE);
  const largest = await largestFile(store.sqlFolder, 'results/result.parquet', made.catch(() => {}));
  await expect(made).rejects.toMatchObject({ problems: [{ code: 'sql_result_too_large', field: 'query' }] });
  expect(largest).toBeGreaterThan(0);
  expect(largest).toBeLessThanOrEqual(FILE_BYTES + 512);
  expect(filesOf(store.sqlFolder, 'results/result.parquet')).toEqual([]);
  expect(await ask('sql', { query: 'SELECT user_id FROM events' }, store.context('p1'))).toMatchObject({ rows: [['ann']] });
  const small = await file('parquet', 'SELECT user_id FROM events');
  expect([small.subarray(0, 4).toString(), small.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1']);
});

it.each(['csv', 'ndjson'] as const)('%s ends at as many bytes', async (format) => {
  await expect(file(format, LARGE)).rejects.toMatchObject({ problems: [{ code: 'sql_result_too_large', field: 'query' }] });
});

it('a name of a column may hold line breaks and quotes: the header comes once, and whole', async () => {
  const name = 'a\n  Literal ""b';
  // Five chunks, each of which the engine begins with the header.
  const query = `SELECT a * 300 + b AS "${name}" FROM (SELECT arrayJoin(range(1000)) AS a) AS x CROSS JOIN (SELECT arrayJoin(range(300)) AS b) AS y`;
  const text = (await file('csv', query)).toString();
  const header = `"${name}"\n`;
  expect(text.slice(0, header.length)).toBe(header);
  const rows = text.slice(header.length).trimEnd().split('\n');
  expect(rows.filter((row) => !/^\d+$/.test(row))).toEqual([]);
  expect([rows.length, new Set(rows).size]).toEqual([300_000, 300_000]);
});
