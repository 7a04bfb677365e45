import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { literal } from '../literal.ts';
import { migrateWarehouse, warehouseMigrations } from '../migrate.ts';
import type { RowBinary } from '../row-binary.ts';
import { WarehouseError } from '../warehouse.ts';
import { Askers } from './askers.ts';
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

/** `read`: of one of them. */
function rowsOf<Row>(answer: RowBinary, read: () => Row): Row[] {
  const rows: Row[] = [];
  while (!answer.isAtEnd) rows.push(read());
  return rows;
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

it('tells for how long nobody has waited for an answer; work that nobody waits for does not count', async () => {
  expect(new Askers().unaskedMs).toBe(Infinity);
  await warehouse.query('SELECT 1', {});
  const asked: number[] = [];
  const whileIt = async (work: Promise<unknown>): Promise<number> => {
    asked.push(warehouse.unaskedMs());
    await work;
    return asked.at(-1)!;
  };
  expect(await whileIt(warehouse.query('SELECT sum(number) FROM numbers(1000000)'))).toBeGreaterThan(0);
  expect(await whileIt(warehouse.query('SELECT sum(number) FROM numbers(1000000)', {}))).toBe(0);
  expect(await whileIt(warehouse.binary('SELECT 1'))).toBe(0);
  await expect(whileIt(warehouse.query('SELECT nonsense', {}))).rejects.toBeInstanceOf(WarehouseError);
  expect(asked.at(-1)).toBe(0);
  await expect.poll(() => warehouse.unaskedMs()).toBeGreaterThan(0);
});

it.skipIf(availableParallelism() < 2)('runs what somebody waits for on several threads, although the engine may take but 1 GiB (a machine with one core cannot show it)', async () => {
  const plan = 'EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(100000000)';
  const threads = (lines: readonly unknown[]): number => Math.max(1, ...[...JSON.stringify(lines).matchAll(/× (\d+)/g)].map(([, n]) => Number(n)));
  expect(threads((await warehouse.query(plan, {})).rows)).toBeGreaterThan(1);
  const lines = await warehouse.binary(plan);
  expect(threads(rowsOf(lines, () => lines.text()))).toBeGreaterThan(1);
  expect(threads((await warehouse.query(plan)).rows)).toBe(1);
});

it('reads points with settings of their own, which no other statement has, also where one statement runs at a time', async () => {
  const select = "SELECT getSetting('enable_analyzer')::UInt8, getSetting('max_threads') = 1, getSetting('session_timezone')";
  for (let time = 0; time < 2; time++) {
    const [point, any] = await Promise.all([warehouse.binary(select, 'point'), warehouse.binary(select)]);
    expect(rowsOf(point, () => [point.uint8(), point.uint8(), point.text()])).toEqual([[0, 1, 'UTC']]);
    expect(any.uint8()).toBe(1);
  }
  await expect(warehouse.binary('SELECT nonsense', 'point')).rejects.toBeInstanceOf(WarehouseError);
  expect((await warehouse.binary('SELECT 1', 'point')).uint8()).toBe(1);
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

it('reads the values of columns as they are, whatever they hold', async () => {
  const texts = ['', 'a\tb\nc\r\\n', "'\b\f\0", '\u001e{"é":"\\""}', '\\N', 'é'.repeat(100), 'x'.repeat(20_000)];
  const numbers = [0, 1, -1, 255, -(2 ** 31), 2 ** 32, 1_767_225_600_123, -(2 ** 40) - 1, 2 ** 53 - 1, -(2 ** 53 - 1), 2 ** 62];
  const select = `SELECT arrayJoin([${texts.map((text) => literal(text)).join(', ')}]) AS text, toInt64(arrayJoin([${numbers.join(', ')}])) AS n, toUInt8(200) AS small`;
  const all = texts.flatMap((text) => numbers.map((n) => [text, n, 200]));
  const rows = await warehouse.binary(select);
  expect(rowsOf(rows, () => [rows.text(), rows.int64(), rows.uint8()])).toEqual(all);
  const again = await warehouse.binary(select);
  const places: number[] = [];
  expect(rowsOf(again, () => [again.textAt(places[places.push(again.placeOfText()) - 1]!), again.int64(), again.uint8()])).toEqual(all);
  expect(places.map((place) => again.textAt(place))).toEqual(all.map(([text]) => text));
  let before: string | undefined;
  const compared = await warehouse.binary(select);
  expect(rowsOf(compared, () => [(before = compared.text(before)), compared.int64(), compared.uint8()])).toEqual(all);
  const others = await warehouse.binary(select);
  expect(rowsOf(others, () => [others.skipText(), others.skipInt64(), others.uint8()][2])).toEqual(all.map(() => 200));
  const times = await warehouse.binary("SELECT toDateTime64('1969-12-31 23:59:59.999', 3, 'UTC'), toDateTime64('2026-01-01 00:00:00.123', 3, 'UTC')");
  expect([times.int64(), times.int64(), times.isAtEnd]).toEqual([-1, Date.UTC(2026, 0, 1, 0, 0, 0, 123), true]);
  expect(() => times.uint8()).toThrow(RangeError);
  expect((await warehouse.binary('SELECT 1 WHERE 0')).isAtEnd).toBe(true);
  await expect(warehouse.binary("SELECT throwIf(number = 50000, 'stop'), number FROM numbers(100000)")).rejects.toBeInstanceOf(WarehouseError);
});

it('footers of Parquet files, which may be gone, take 8 MiB at the most, however many were read', async () => {
  const columns = Array.from({ length: 200 }, (_, i) => `toString(number) AS column_${i}`).join(', ');
  for (let file = 0; file < 60; file++) {
    const source = `file(${literal(join(path, 'tmp', `${file}.parquet`))}, 'Parquet')`;
    await warehouse.command(`INSERT INTO FUNCTION ${source} SELECT ${columns} FROM numbers(1)`);
    await warehouse.query(`SELECT count() FROM ${source} WHERE column_7 = '0'`);
  }
  const { rows } = await warehouse.query<{ bytes: number }>("SELECT value AS bytes FROM system.metrics WHERE metric = 'ParquetMetadataCacheBytes'");
  // Something is kept, so that this looks at the right place.
  expect(rows[0]?.bytes).toBeGreaterThan(1 << 20);
  expect(rows[0]?.bytes).toBeLessThanOrEqual(8 << 20);
}, 60_000);
