import { readFileSync, rmSync, writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb/chdb-warehouse.ts';
import { storeDamage } from './store-damage.ts';
import { WarehouseError } from './warehouse.ts';
import { isEngineFull } from './when-memory-is-free.ts';

it('a flipped bit in a part is told as damage of that part, whatever reads it', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-damaged-part-'));
  const warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  try {
    await warehouse.command('CREATE TABLE t (a UInt64, b String) ENGINE = MergeTree ORDER BY a');
    await warehouse.command('INSERT INTO t SELECT number, toString(number) FROM numbers(5000)');
    const { rows } = await warehouse.query<{ path: string }>("SELECT path FROM system.parts WHERE active AND table = 't'");
    const file = join(rows[0]!.path, 'data.bin');
    await warehouse.command('DETACH TABLE t SYNC');
    const bytes = readFileSync(file);
    bytes[200]! ^= 1;
    writeFileSync(file, bytes);
    await warehouse.command('ATTACH TABLE t');
    for (const sql of ['SELECT sum(a), max(b) FROM t', 'SELECT a FROM t WHERE a = 7', "INSERT INTO t SELECT a, b FROM t WHERE b != '3'"]) {
      const error: unknown = await warehouse.command(sql).catch((thrown: unknown) => thrown);
      expect(storeDamage(error), sql).toEqual({ part: 'all_1_1_0', table: 't' });
    }
    expect(storeDamage(await warehouse.query('SELECT nonsense').catch((thrown: unknown) => thrown))).toBeUndefined();
  } finally {
    await warehouse.close();
    rmSync(path, { recursive: true });
  }
});

it('a block that says to be larger than any is damage of its part, and no lack of memory', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-damaged-block-'));
  const warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  try {
    await warehouse.command('CREATE TABLE t (a UInt64, INDEX by_a a TYPE minmax GRANULARITY 1) ENGINE = MergeTree ORDER BY tuple()');
    await warehouse.command('INSERT INTO t SELECT number FROM numbers(50000)');
    const { rows } = await warehouse.query<{ path: string }>("SELECT path FROM system.parts WHERE active AND table = 't'");
    const file = join(rows[0]!.path, 'skp_idx_by_a.idx2');
    await warehouse.command('DETACH TABLE t SYNC');
    const bytes = readFileSync(file);
    // Behind the checksum of 16 bytes and the method of one: how large the block is as it lies there, a UInt32 in little endian.
    bytes[20]! ^= 0x20;
    writeFileSync(file, bytes);
    await warehouse.command('ATTACH TABLE t');
    const error: unknown = await warehouse.query('SELECT count() FROM t WHERE a = 7', {}).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ number: 241 });
    expect(storeDamage(error)).toMatchObject({ part: 'all_1_1_0' });
    expect(isEngineFull(error)).toBe(false);
    const full = new WarehouseError('(total) memory limit exceeded: would use 1.00 GiB (attempt to allocate chunk of 1.02 MiB): While reading or decompressing /a/b/c.bin', 241);
    expect([storeDamage(full), isEngineFull(full)]).toEqual([undefined, true]);
  } finally {
    await warehouse.close();
    rmSync(path, { recursive: true });
  }
});

it('is told by the number where the message does not name the part', () => {
  expect(storeDamage(new WarehouseError('Cannot decompress', 271))).toEqual({ part: undefined, table: undefined });
  expect(storeDamage(new Error('Checksum'))).toBeUndefined();
});
