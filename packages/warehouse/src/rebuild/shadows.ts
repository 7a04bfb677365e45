/** Tables that are filled beside the live ones and then put in their place. */
import { literal } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { definitionOf, SHADOW_PREFIX, shadowOf } from './definitions.ts';

/** ClickHouse refuses to drop what is larger than 50 GB, lest it be a mistake. */
const OF_ANY_SIZE = 'SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0';

/** Makes empty shadows of `tables`, as the migrations define them today. */
export async function createShadows(warehouse: Warehouse, tables: readonly string[]): Promise<void> {
  await dropShadows(warehouse);
  for (const table of tables) for (const statement of definitionOf(table, shadowOf(table))) await warehouse.command(statement);
}

/** Removes every shadow, also those that a kill has left. Resolves to their names. */
export async function dropShadows(warehouse: Warehouse): Promise<string[]> {
  const names = [...(await tableIds(warehouse)).keys()].filter((name) => name.startsWith(SHADOW_PREFIX));
  for (const name of names) await warehouse.command(`DROP TABLE IF EXISTS ${name} SYNC ${OF_ANY_SIZE}`);
  return names;
}

/** Makes those of `tables` that are gone, empty. Resolves to their names. */
export async function createMissingTables(warehouse: Warehouse, tables: readonly string[]): Promise<string[]> {
  const present = await tableIds(warehouse);
  const missing = tables.filter((table) => !present.has(table));
  for (const table of missing) for (const statement of definitionOf(table, table)) await warehouse.command(statement);
  return missing;
}

/** Name of each table -> its UUID, which stays with the rows when tables change their names. */
export async function tableIds(warehouse: Warehouse): Promise<Map<string, string>> {
  const { rows } = await warehouse.query<{ name: string; id: string }>(`SELECT name, toString(uuid) AS id FROM system.tables WHERE database = currentDatabase()`);
  return new Map(rows.map(({ name, id }) => [name, id]));
}

/** Whether all parts of the shadows of `tables` are what was written. */
export async function areShadowsWhole(warehouse: Warehouse, tables: readonly string[]): Promise<boolean> {
  const present = await tableIds(warehouse);
  for (const table of tables) {
    if (!present.has(shadowOf(table))) return false;
    const { rows } = await warehouse.query<{ result: number }>(`CHECK TABLE ${shadowOf(table)} SETTINGS check_query_single_value_result = 1`);
    if (rows.some(({ result }) => result !== 1)) return false;
  }
  return true;
}

/** Puts the shadow in the table's place at once, and the table in the shadow's. The table may be gone. */
export async function exchangeWithShadow(warehouse: Warehouse, table: string): Promise<void> {
  const present = await tableIds(warehouse);
  await warehouse.command(present.has(table) ? `EXCHANGE TABLES ${table} AND ${shadowOf(table)}` : `RENAME TABLE ${shadowOf(table)} TO ${table}`);
}

/** Gives the table the shadow's rows of one partition in the place of its own, at once. The shadow keeps them. */
export async function replaceFromShadow(warehouse: Warehouse, table: string, partition: string): Promise<void> {
  await warehouse.command(`ALTER TABLE ${table} REPLACE PARTITION ID ${literal(partition)} FROM ${shadowOf(table)} ${OF_ANY_SIZE}`);
}
