import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ChdbWarehouse } from '../chdb/chdb-warehouse.ts';
import { readCheckpoint } from './checkpoint.ts';
import { takeCheckpoint } from './checkpoints.ts';
import { verifyParts } from './verify-parts.ts';

it('files of a part that no read checks are told when they change, also after a clean stop', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-part-sums-'));
  const warehouse = await ChdbWarehouse.open({ path, connections: 1 });
  const checkpointPath = join(path, 'checkpoint');
  try {
    await warehouse.command('CREATE TABLE t (a UInt64, time DateTime) ENGINE = MergeTree PARTITION BY toYYYYMM(time) ORDER BY a');
    const told: Record<string, string> = {};
    for (const [round, name] of ['count.txt', 'minmax_time.idx', 'serialization.json', 'checksums.txt'].entries()) {
      await warehouse.command('TRUNCATE TABLE t SYNC');
      await warehouse.command(`INSERT INTO t SELECT number, toDateTime('2026-01-15 10:00:00') + number FROM numbers(3000)`);
      await takeCheckpoint(checkpointPath, warehouse, () => ({}), { clean: true, nowMs: Date.now() });
      const checkpoint = readCheckpoint(checkpointPath);
      expect(await verifyParts(warehouse, checkpoint)).toMatchObject({ checked: 0, broken: [], vanished: [] });
      const { rows } = await warehouse.query<{ path: string }>("SELECT path FROM system.parts WHERE active AND table = 't'");
      expect(readdirSync(rows[0]!.path)).toContain(name);
      const file = join(rows[0]!.path, name);
      await warehouse.command('DETACH TABLE t SYNC');
      const bytes = readFileSync(file);
      bytes[name === 'count.txt' ? 0 : bytes.length - 2]! ^= 1;
      writeFileSync(file, bytes);
      await warehouse.command('ATTACH TABLE t');
      const { broken } = await verifyParts(warehouse, checkpoint);
      told[`${round} ${name}`] = broken.map(({ table, part }) => `${table} ${part.replace(/_.*/, '')}`).join();
      expect((await warehouse.query<{ n: number }>('SELECT count() AS n FROM t')).rows, 'what is left').toEqual([{ n: 0 }]);
    }
    expect(Object.values(told)).toEqual(['t 202601', 't 202601', 't 202601', 't 202601']);
  } finally {
    await warehouse.close();
    rmSync(path, { recursive: true });
  }
});
