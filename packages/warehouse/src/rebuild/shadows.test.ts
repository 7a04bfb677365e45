import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChdbWarehouse } from '../chdb/chdb-warehouse.ts';
import { migrateWarehouse } from '../migrate.ts';
import { activeParts, foldersOfTables } from '../verify/parts.ts';
import { areShadowsWhole, createMissingTables, createShadows, dropShadows, exchangeWithShadow, replaceFromShadow, tableIds } from './shadows.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-shadows-'));
let warehouse: ChdbWarehouse;

beforeAll(async () => {
  warehouse = await ChdbWarehouse.open({ path: folder });
  await migrateWarehouse(warehouse);
});
afterAll(async () => {
  await warehouse.close();
  rmSync(folder, { recursive: true });
});

const row = (offset: number, month = '01') => `('p', '2026-${month}-01 00:00:00.000', ${offset})`;
const insert = (table: string, ...rows: string[]) => warehouse.command(`INSERT INTO ${table} (project, time, offset) VALUES ${rows.join(', ')}`);
const offsets = async (table: string) => (await warehouse.query<{ offset: number }>(`SELECT offset FROM ${table} ORDER BY offset`)).rows.map(({ offset }) => offset);
const definition = async (table: string) => {
  const { rows } = await warehouse.query<{ sql: string }>(`SELECT replace(create_table_query, name, 'T') AS sql FROM system.tables WHERE database = currentDatabase() AND name = '${table}'`);
  return rows[0]!.sql;
};

it('a shadow is made as the migrations define the table, and takes its place with its rows', async () => {
  await createShadows(warehouse, ['events', 'timeline']);
  for (const table of ['events', 'timeline']) expect(await definition(`rebuild_${table}`)).toBe(await definition(table));
  await insert('events', row(1));
  await insert('rebuild_events', row(1), row(2));
  const before = await tableIds(warehouse);
  await exchangeWithShadow(warehouse, 'events');
  expect([await offsets('events'), await offsets('rebuild_events')]).toEqual([[1, 2], [1]]);
  expect((await tableIds(warehouse)).get('events')).toBe(before.get('rebuild_events'));
  expect((await dropShadows(warehouse)).toSorted()).toEqual(['rebuild_events', 'rebuild_timeline']);
  expect(await dropShadows(warehouse)).toEqual([]);
});

it('a month is replaced and the others stay; a second time changes nothing', async () => {
  await warehouse.command('TRUNCATE TABLE events');
  await createShadows(warehouse, ['events']);
  await insert('events', row(1), row(2, '02'));
  await insert('rebuild_events', row(3));
  for (let time = 0; time < 2; time++) {
    await replaceFromShadow(warehouse, 'events', '202601');
    expect(await offsets('events')).toEqual([2, 3]);
  }
});

it('a table that is gone is made again empty, or taken over by its shadow', async () => {
  await createShadows(warehouse, ['timeline']);
  await insert('rebuild_timeline', row(7));
  await warehouse.command('DROP TABLE timeline SYNC');
  await exchangeWithShadow(warehouse, 'timeline');
  expect(await offsets('timeline')).toEqual([7]);
  await warehouse.command('DROP TABLE timeline SYNC');
  expect(await createMissingTables(warehouse, ['events', 'timeline'])).toEqual(['timeline']);
  expect(await offsets('timeline')).toEqual([]);
});

it('shadows are no part of what is verified, and are whole only when they are there', async () => {
  await createShadows(warehouse, ['events']);
  await insert('rebuild_events', row(1));
  expect((await activeParts(warehouse)).some(({ table }) => table.startsWith('rebuild_'))).toBe(false);
  expect([...(await foldersOfTables(warehouse)).keys()]).not.toContain('rebuild_events');
  expect(await areShadowsWhole(warehouse, ['events'])).toBe(true);
  expect(await areShadowsWhole(warehouse, ['events', 'timeline'])).toBe(false);
});
