/**
 * The parts of the tables of this database, as the engine sees them. Not those of shadows: what is half made is looked at
 * by whoever makes it, and is missed by nobody.
 */
import { SHADOW_PREFIX } from '../rebuild/definitions.ts';
import type { Warehouse } from '../warehouse.ts';

export interface Part {
  table: string;
  name: string;
  rows: number;
  /** On disk. */
  bytes: number;
  /** Epoch ms at which it was made. */
  modifiedAtMs: number;
  /** Its folder. */
  path: string;
}

const notShadow = (column: string): string => `NOT startsWith(${column}, '${SHADOW_PREFIX}')`;

export async function activeParts(warehouse: Warehouse): Promise<Part[]> {
  const { rows } = await warehouse.query<Part>(
    `SELECT table, name, rows, bytes_on_disk AS bytes, toInt64(toUnixTimestamp(modification_time)) * 1000 AS modifiedAtMs, path
     FROM system.parts WHERE active AND database = currentDatabase() AND ${notShadow('table')} ORDER BY table, name`,
  );
  return rows;
}

export interface DetachedPart {
  table: string;
  /** With the reason in front: `broken-on-start_202601_1_4_1`. */
  name: string;
}

export async function detachedParts(warehouse: Warehouse): Promise<DetachedPart[]> {
  const { rows } = await warehouse.query<DetachedPart>(
    `SELECT table, name FROM system.detached_parts WHERE database = currentDatabase() AND ${notShadow('table')} ORDER BY table, name`,
  );
  return rows;
}

/** Table -> name of the folder of its parts: its UUID. */
export async function foldersOfTables(warehouse: Warehouse): Promise<Map<string, string>> {
  const { rows } = await warehouse.query<{ name: string; uuid: string }>(
    `SELECT name, toString(uuid) AS uuid FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' AND ${notShadow('name')} ORDER BY name`,
  );
  return new Map(rows.map(({ name, uuid }) => [name, uuid]));
}

/** Names by table. */
export function byTable(parts: readonly { table: string; name: string }[]): Record<string, string[]> {
  const names: Record<string, string[]> = {};
  for (const { table, name } of parts) (names[table] ??= []).push(name);
  return names;
}
