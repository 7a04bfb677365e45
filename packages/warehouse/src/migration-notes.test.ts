/** What was applied is known though its notes are lost, so that nothing is done to tables that it does not fit any more. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ChdbWarehouse } from './chdb/chdb-warehouse.ts';
import { migrateWarehouse, statementsOf, warehouseMigrations } from './migrate.ts';
import { openMigrated } from './testing/open-migrated.ts';

let folder: string;
let warehouse: ChdbWarehouse;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tidemark-migrations-'));
});

afterEach(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true, force: true });
});

const openNew = async (): Promise<ChdbWarehouse> => (warehouse = await openMigrated({ path: folder }));
const loseNotes = (where: string): Promise<void> => warehouse.command(`DELETE FROM migrations WHERE ${where} SETTINGS lightweight_deletes_sync = 2`);
const statements = warehouseMigrations().flatMap(({ name, sql }) => statementsOf(sql).map((_, statement) => ({ name, statement })));

async function notes(): Promise<unknown[]> {
  return (await warehouse.query('SELECT DISTINCT name, statement FROM migrations ORDER BY name, statement')).rows;
}

it('what is noted vouches for all before it, and what is lost is noted again', async () => {
  await openNew();
  await loseNotes("name < '007'");
  expect(await migrateWarehouse(warehouse)).toEqual([]);
  expect(await notes()).toEqual(statements);
});

it('the newest is known when all notes are lost, and again when what was found is lost', async () => {
  await openNew();
  await warehouse.command("INSERT INTO timeline (project, raw_id, event_id, offset) VALUES ('p', 'a', 'e', 1)");
  for (let times = 0; times < 2; times++) {
    await loseNotes('1');
    expect(await migrateWarehouse(warehouse)).toEqual([]);
    expect(await notes()).toEqual(statements);
  }
  expect((await warehouse.query('SELECT event_id, offset FROM timeline')).rows).toEqual([{ event_id: 'e', offset: 1 }]);
});

it('tables of which nothing is known are left as they are', async () => {
  await openNew();
  await warehouse.command("ALTER TABLE migrations MODIFY COMMENT ''");
  await loseNotes('1');
  await expect(migrateWarehouse(warehouse)).rejects.toThrow(/notes of which migrations made them are gone/);
  expect(await notes()).toEqual([]);
});

it('a folder of before there was a comment gets one', async () => {
  await openNew();
  await warehouse.command("ALTER TABLE migrations MODIFY COMMENT ''");
  expect(await migrateWarehouse(warehouse)).toEqual([]);
  await loseNotes('1');
  expect(await migrateWarehouse(warehouse)).toEqual([]);
});

it('the first statement may have been cut short before its note', async () => {
  warehouse = await ChdbWarehouse.open({ path: folder });
  const [first] = warehouseMigrations();
  await warehouse.command(statementsOf(first!.sql)[0]!);
  expect(await migrateWarehouse(warehouse)).toHaveLength(statements.length);
});
