import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { intLiteral, literal } from './literal.ts';
import { packTimeline } from './pack-timeline.ts';
import { WarehouseError, type Warehouse } from './warehouse.ts';

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
 * Throws WarehouseError for tables of a newer version, and leaves them as they are.
 */
export async function migrateWarehouse(warehouse: Warehouse, migrations: readonly Migration[] = warehouseMigrations()): Promise<string[]> {
  await warehouse.command(
    `CREATE TABLE IF NOT EXISTS migrations (name String, statement UInt32, applied_at DateTime DEFAULT now())
     ENGINE = MergeTree ORDER BY (name, statement) SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1`,
  );
  const { rows } = await warehouse.query<{ name: string; statement: number }>('SELECT name, statement FROM migrations');
  const newer = rows.find(({ name }) => !migrations.some((each) => each.name === name));
  if (newer !== undefined) {
    throw new WarehouseError(`its tables were made by a newer Tidemark (${newer.name}): run that one, or restore a backup from before the upgrade`, 0);
  }
  const done = new Set(rows.map((row) => `${row.name}#${row.statement}`));
  const applied: string[] = [];
  for (const { name, sql } of migrations) {
    for (const [index, statement] of statementsOf(sql).entries()) {
      if (done.has(`${name}#${index}`)) continue;
      await warehouse.command(statement.replace(/^CREATE TABLE (?!IF)/, 'CREATE TABLE IF NOT EXISTS '));
      await warehouse.command(`INSERT INTO migrations (name, statement) VALUES (${literal(name)}, ${intLiteral(index)})`);
      applied.push(`${name}#${index}`);
    }
  }
  await packTimeline(warehouse);
  return applied;
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
