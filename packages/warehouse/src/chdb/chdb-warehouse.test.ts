import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrateWarehouse, warehouseMigrations } from '../migrate.ts';
import { WarehouseError } from '../warehouse.ts';
import { ChdbWarehouse } from './chdb-warehouse.ts';

const path = mkdtempSync(join(tmpdir(), 'tidemark-warehouse-'));
let warehouse: ChdbWarehouse;
beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path, connections: 1 });
});
afterAll(async () => {
  await warehouse.close();
  rmSync(path, { recursive: true, force: true });
});

async function bytesOf(stream: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

it('answers with rows, and what they cost', async () => {
  const answer = await warehouse.query<{ n: number; t: string }>("SELECT 9007199254740991 AS n, toDateTime64(0.5, 3, 'UTC') AS t");
  expect(answer.rows).toEqual([{ n: 9007199254740991, t: '1970-01-01 00:00:00.500' }]);
  expect(answer.elapsedMs).toBeGreaterThan(0);
});

it('never shows what a failed question left behind to the next one', async () => {
  for (const failing of ["SELECT throwIf(number = 50000, 'stop'), number FROM numbers(100000)", "SELECT match(toString(number), '(') FROM numbers(10)", 'SELECT nonsense']) {
    await expect(warehouse.query(failing)).rejects.toBeInstanceOf(WarehouseError);
    expect((await warehouse.query<{ one: number }>('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  }
});

it('keeps a question within its memory and its time, and says the number of the error', async () => {
  await expect(warehouse.query('SELECT groupArray(number) FROM numbers(10000000)', { maxMemoryBytes: 1e6 })).rejects.toMatchObject({ number: 241 });
  await expect(warehouse.query('SELECT sum(sipHash64(number)) FROM numbers(1e11)', { timeoutMs: 200 })).rejects.toMatchObject({ number: 159 });
});

it('streams in chunks: one CSV header, whole lines, a whole Parquet file, plain binary', async () => {
  const rows = 150_000;
  const select = `SELECT number AS n, toString(number) AS s FROM numbers(${rows})`;
  const csv = (await bytesOf(warehouse.stream(select, 'CSVWithNames'))).toString().trimEnd().split('\n');
  expect(csv.length).toBe(rows + 1);
  expect(csv[0]).toBe('"n","s"');
  expect(csv.filter((line) => line.startsWith('"n"')).length).toBe(1);
  const lines = (await bytesOf(warehouse.stream(select, 'JSONEachRow'))).toString().trimEnd().split('\n');
  expect(lines.map((line) => (JSON.parse(line) as { n: number }).n).reduce((sum, n) => sum + n, 0)).toBe((rows * (rows - 1)) / 2);
  expect((await bytesOf(warehouse.stream(`SELECT toUInt32(number) FROM numbers(${rows})`, 'RowBinary'))).length).toBe(rows * 4);
  const parquet = await bytesOf(warehouse.stream(select, 'Parquet'));
  expect(parquet.subarray(0, 4).toString()).toBe('PAR1');
  expect(parquet.subarray(-4).toString()).toBe('PAR1');
});

it('migrates once, and goes on where a kill cut it short', async () => {
  const [first] = warehouseMigrations();
  const cut = { name: first!.name, sql: first!.sql.slice(0, first!.sql.indexOf('CREATE TABLE event_ids')) };
  expect((await migrateWarehouse(warehouse, [cut])).length).toBe(2);
  expect((await migrateWarehouse(warehouse)).length).toBeGreaterThan(2);
  expect(await migrateWarehouse(warehouse)).toEqual([]);
  const { rows } = await warehouse.query<{ name: string }>('SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name');
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(['event_ids', 'events', 'identity_claims', 'migrations', 'outcomes', 'quarantine', 'rollup_rows', 'timeline']));
});

it('leaves tables of a newer version alone, and says so', async () => {
  await migrateWarehouse(warehouse);
  await expect(migrateWarehouse(warehouse, warehouseMigrations().slice(0, 1))).rejects.toThrow(/made by a newer Tidemark \(002/);
});
