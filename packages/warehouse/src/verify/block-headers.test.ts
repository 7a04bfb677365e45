import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { ChdbWarehouse } from '../chdb/chdb-warehouse.ts';
import { misfitIn, setMisfitsAside } from './block-headers.ts';
import { verifyParts } from './verify-parts.ts';

it('a block that says to be larger than its file is told as damage of its part, in whichever file, and the rest is there', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-block-headers-'));
  let warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  try {
    await warehouse.command('CREATE TABLE t (a UInt64, b String, INDEX by_b b TYPE minmax GRANULARITY 1) ENGINE = MergeTree ORDER BY a SETTINGS min_bytes_for_wide_part = 0');
    await warehouse.command('SYSTEM STOP MERGES t');
    const insert = (): Promise<unknown> => warehouse.command('INSERT INTO t SELECT number, toString(number) FROM numbers(50000)');
    await insert();
    for (const file of ['a.bin', 'a.cmrk2', 'primary.cidx', 'skp_idx_by_b.idx2']) {
      await insert();
      const { rows } = await warehouse.query<{ path: string }>("SELECT path FROM system.parts WHERE active AND table = 't' ORDER BY name");
      expect(rows, file).toHaveLength(2);
      const part = rows[1]!.path;
      expect(readdirSync(part)).toContain(file);
      expect(await misfitIn(part)).toBeUndefined();
      await warehouse.close();
      const bytes = readFileSync(join(part, file));
      // Behind the checksum of 16 bytes and the method of one: how large the block is, a UInt32 in little endian. It then has half a GB.
      bytes[20]! ^= 0x20;
      writeFileSync(join(part, file), bytes);
      expect(await misfitIn(part)).toBe(file);
      if (file !== 'a.bin') expect(await setMisfitsAside(join(path, 'data')), file).toEqual([basename(part)]);
      warehouse = await ChdbWarehouse.open({ path, connections: 1 });
      const { broken } = await verifyParts(warehouse, undefined);
      expect(broken.map(({ part: name }) => name), file).toContain(basename(part));
      expect(readdirSync(join(dirname(part), 'detached'))).toContain(`broken_${basename(part)}`);
      expect((await warehouse.query<{ n: number; ofAll: string }>('SELECT count() AS n, max(b) AS ofAll FROM t WHERE a >= 0')).rows, file).toEqual([{ n: 50_000, ofAll: '9999' }]);
    }
  } finally {
    await warehouse.close();
    rmSync(path, { recursive: true });
  }
});

it('nothing is set aside where there is nothing', async () => {
  expect(await setMisfitsAside(join(tmpdir(), 'tidemark-no-such-folder'))).toEqual([]);
  expect(await misfitIn(join(tmpdir(), 'tidemark-no-such-folder'))).toBeUndefined();
});
