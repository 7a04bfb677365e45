import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { labelOf, note, noteNewest, readNotes, type Step } from './migration-notes.ts';
import { packTimeline } from './pack-timeline.ts';
import type { Warehouse } from './warehouse.ts';

export interface Migration {
  name: string;
  sql: string;
}

/** The migrations beside this file, or beside the bundle that it was built into; ordered by name. */
export function warehouseMigrations(): Migration[] {
  const folders = [new URL('./migrations/', import.meta.url), new URL('./migrations/warehouse/', import.meta.url), new URL('../migrations/warehouse/', import.meta.url)];
  const folder = folders.find((url) => existsSync(new URL('001-events.sql', url)));
  if (folder === undefined) throw new Error('The warehouse migrations are missing; run `npm run build`.');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql'))
    .toSorted()
    .map((name) => ({ name, sql: readFileSync(new URL(name, folder), 'utf8') }));
}

/**
 * Brings the tables to the newest form. Each statement is written to be repeatable or is noted when done, so that a
 * kill in the middle is no trouble: ClickHouse has no transaction over DDL.
 * Throws WarehouseError for tables of a newer version, or of which nobody knows what was done to them, and leaves them as they are.
 */
export async function migrateWarehouse(warehouse: Warehouse, migrations: readonly Migration[] = warehouseMigrations()): Promise<string[]> {
  const steps = migrations.flatMap(({ name, sql }) => statementsOf(sql).map((statement, index): Step => ({ name, index, statement })));
  const noted = await readNotes(warehouse, steps);
  for (const { name, statement, index } of steps.slice(noted)) {
    await warehouse.command(statement.replace(/^CREATE TABLE (?!IF)/, 'CREATE TABLE IF NOT EXISTS '));
    await note(warehouse, [{ name, index }]);
  }
  await noteNewest(warehouse, steps);
  await packTimeline(warehouse);
  return steps.slice(noted).map(labelOf);
}

/** Statements end with a semicolon at the end of a line; comment lines fall away. */
export function statementsOf(sql: string): string[] {
  return sql
    .split('\n')
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .split(/;\s*(?:\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
