import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ChdbWarehouse } from '../chdb/chdb-warehouse.ts';
import { readCheckpoint } from './checkpoint.ts';
import { takeCheckpoint } from './checkpoints.ts';
import { mendDefinitions } from './table-definitions.ts';

it('a definition that changed and that nobody wrote is put back; one that somebody wrote is believed', async () => {
  const path = mkdtempSync(join(tmpdir(), 'tidemark-definitions-'));
  const data = join(path, 'data');
  const during = async (work: (warehouse: ChdbWarehouse) => Promise<void>): Promise<void> => {
    const warehouse = await ChdbWarehouse.open({ path, connections: 1 });
    await work(warehouse);
    await warehouse.close();
  };
  const checkpoint = (warehouse: ChdbWarehouse) => takeCheckpoint(join(path, 'checkpoint'), warehouse, () => ({}), { clean: true, nowMs: Date.now() });
  const mend = (): Promise<string[]> => mendDefinitions(data, readCheckpoint(join(path, 'checkpoint'))!.definitions!);
  const file = (): string => join(data, readdirSync(data, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith('t.sql'))!);
  const columns = async (warehouse: ChdbWarehouse) => (await warehouse.query<{ name: string }>(`SELECT name FROM system.columns WHERE table = 't'`)).rows.map(({ name }) => name);
  try {
    await during(async (warehouse) => {
      await warehouse.command(`CREATE TABLE t (start_at UInt64, label String COMMENT 'é') ENGINE = MergeTree ORDER BY start_at`);
      await checkpoint(warehouse);
      damage(file());
      // Another one, written meanwhile, does not take the damage for what was meant.
      await checkpoint(warehouse);
    });
    expect(await mend()).toEqual(['t']);
    expect(await mend()).toEqual([]);
    await during(async (warehouse) => {
      expect(await columns(warehouse)).toEqual(['start_at', 'label']);
      await warehouse.command('ALTER TABLE t ADD COLUMN later UInt8');
    });
    expect(await mend(), 'changed since the checkpoint').toEqual([]);
    await during(async (warehouse) => expect(await columns(warehouse)).toEqual(['start_at', 'label', 'later']));
    await during(async (warehouse) => {
      await checkpoint(warehouse);
      await warehouse.command('DROP TABLE t SYNC');
    });
    expect(await mend(), 'dropped since').toEqual([]);
  } finally {
    rmSync(path, { recursive: true });
  }
});

/** As a disk does: the time of change stays. */
function damage(file: string): void {
  const { mtimeMs } = statSync(file);
  const text = readFileSync(file, 'latin1');
  expect(text).toContain('start_at');
  writeFileSync(file, text.replaceAll('start_at', 'start[at'), 'latin1');
  const seconds = (Math.floor(mtimeMs) + 0.5) / 1000;
  utimesSync(file, seconds, seconds);
}
