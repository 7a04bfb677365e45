import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb/chdb-warehouse.ts';
import { writesSeen, writtenSince, type WritesSeen } from './newest-rows.ts';

const path = mkdtempSync(join(tmpdir(), 'tidemark-newest-rows-'));
let warehouse: ChdbWarehouse;
beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  for (const table of ['things', 'others']) await warehouse.command(`CREATE TABLE ${table} (month UInt32, n UInt64) ENGINE = MergeTree PARTITION BY month ORDER BY n`);
});
afterAll(async () => {
  await warehouse.close();
  rmSync(path, { recursive: true, force: true });
});

const add = (table: string, month: number, n: number): Promise<void> => warehouse.command(`INSERT INTO ${table} SELECT ${month}, ${n} FROM numbers(1000)`);
const seenOf = async (table: string): Promise<WritesSeen> => (await writesSeen(warehouse, table))!;

async function since(seen: WritesSeen): Promise<{ found: number[]; rowsRead: number }> {
  const { rows, rowsRead } = await warehouse.query<{ n: number }>(`SELECT DISTINCT n FROM things WHERE ${writtenSince(seen)} ORDER BY n`);
  return { found: rows.map(({ n }) => n), rowsRead };
}

it('finds what was written since, in any partition, and opens no other part', async () => {
  await add('things', 202601, 1);
  await add('things', 202602, 2);
  const seen = await seenOf('things');
  expect(await since(seen)).toEqual({ found: [], rowsRead: 0 });
  await add('things', 202602, 3);
  await add('things', 202601, 4);
  await add('things', 202603, 5);
  expect(await since(seen)).toEqual({ found: [3, 4, 5], rowsRead: 3_000 });
});

it('misses nothing when parts were merged or rewritten since', async () => {
  const seen = await seenOf('things');
  await add('things', 202601, 6);
  await warehouse.command('OPTIMIZE TABLE things FINAL');
  const { found } = await since(seen);
  expect(found).toContain(6);
  expect(found).not.toContain(2);
  await warehouse.command('DELETE FROM things WHERE n = 4 SETTINGS lightweight_deletes_sync = 2');
  expect((await since(seen)).found).toContain(6);
});

it('tells a table from another one that took its name, and that there is none', async () => {
  await add('others', 1, 1);
  const before = await seenOf('things');
  await warehouse.command('EXCHANGE TABLES things AND others');
  expect((await seenOf('things')).table).not.toBe(before.table);
  expect((await seenOf('others')).table).toBe(before.table);
  expect(await writesSeen(warehouse, 'nothing')).toBeUndefined();
});
