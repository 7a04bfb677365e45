import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb-warehouse.ts';

const path = mkdtempSync(join(tmpdir(), 'tidemark-warehouse-'));
let warehouse: ChdbWarehouse;
beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path, connections: 2 });
});
afterAll(async () => {
  await warehouse.close();
  rmSync(path, { recursive: true, force: true });
});

it('a connection that looked into a table and rests does not hold it: it can be dropped by the other', async () => {
  await warehouse.command('CREATE TABLE looked_into (n UInt64) ENGINE = MergeTree ORDER BY n');
  await warehouse.command('INSERT INTO looked_into SELECT number FROM numbers(10)');
  const looking = "SELECT sum(rows_in_granule) AS n FROM mergeTreeIndex(currentDatabase(), looked_into)";
  // Who rested last is lent first: the one that looks is to rest below the other.
  const other = warehouse.query('SELECT sleep(3)');
  expect((await warehouse.query(looking)).rows).toEqual([{ n: 10 }]);
  await other;
  const dropped = warehouse.command('DROP TABLE looked_into SYNC').then(() => 'dropped');
  const tooLate = new Promise((resolve) => setTimeout(resolve, 20_000, 'still held').unref());
  const outcome = await Promise.race([dropped, tooLate]);
  // Lets the connection go, or the engine could not be closed either.
  if (outcome !== 'dropped') await warehouse.query('SELECT 1');
  expect(outcome).toBe('dropped');
});
