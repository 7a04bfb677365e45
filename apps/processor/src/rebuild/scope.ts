import type { Lake, LakeFile } from '@tidemark/lake';
import { rowsOfFiles } from '@tidemark/lake';
import { inPartitions, literal, PARTITION_OF_TIME, timesOfPartition, type Warehouse } from '@tidemark/warehouse';

/** What is to be made again: all, what lies in [fromMs, toMs) of event time (epoch ms), one event name, or both. */
export interface RebuildScope {
  fromMs?: number;
  toMs?: number;
  event?: string;
}

export const REBUILT_TABLES = ['events', 'timeline'] as const;

function isWhole({ fromMs, toMs, event }: RebuildScope): boolean {
  return fromMs === undefined && toMs === undefined && event === undefined;
}

/**
 * The partitions that hold something of the scope, in order; null for all. A month is what readers can be given at once,
 * so months are made again whole, from the lake.
 */
export async function partitionsOf(scope: RebuildScope, warehouse: Warehouse, lake: Lake): Promise<string[] | null> {
  if (isWhole(scope)) return null;
  const { fromMs = -Infinity, toMs = Infinity, event } = scope;
  const files = [...lake.manifest.files].filter((file) => file.rows > 0 && file.toMs >= fromMs && file.fromMs < toMs);
  const conditions = ['true'];
  if (event !== undefined) conditions.push(`event_name = ${literal(event)}`);
  if (fromMs !== -Infinity) conditions.push(`toUnixTimestamp64Milli(time) >= ${fromMs}`);
  if (toMs !== Infinity) conditions.push(`toUnixTimestamp64Milli(time) < ${toMs}`);
  const found = new Set<string>();
  for (const select of rowsOfFiles(lake, files, `toString(${PARTITION_OF_TIME}) AS month`, conditions.join(' AND '))) {
    const { rows } = await warehouse.query<{ month: string }>(`SELECT DISTINCT month FROM (${select}) SETTINGS use_hive_partitioning = 0`);
    for (const { month } of rows) found.add(month);
  }
  // Rows that a table holds and the lake doesn't have to be seen too, be it to refuse. Of an event, only where the lake has it.
  if (event === undefined) for (const partition of await livePartitions(warehouse)) if (overlap(partition, fromMs, toMs)) found.add(partition);
  return [...found].toSorted();
}

async function livePartitions(warehouse: Warehouse): Promise<string[]> {
  const tables = REBUILT_TABLES.map((table) => literal(table)).join(', ');
  const { rows } = await warehouse.query<{ month: string }>(
    `SELECT DISTINCT partition_id AS month FROM system.parts WHERE active AND rows > 0 AND database = currentDatabase() AND table IN (${tables})`,
  );
  return rows.map(({ month }) => month);
}

function overlap(partition: string, fromMs: number, toMs: number): boolean {
  const times = timesOfPartition(partition);
  return times.fromMs < toMs && times.toMs > fromMs;
}

/** Files of the lake that may hold rows of `partitions`, by event time. */
export function filesOfPartitions(lake: Lake, partitions: readonly string[] | null): LakeFile[] {
  const all = [...lake.manifest.files].filter(({ rows }) => rows > 0);
  const held = partitions === null ? all : all.filter((file) => partitions.some((partition) => overlap(partition, file.fromMs, file.toMs + 1)));
  return held.toSorted((a, b) => a.fromMs - b.fromMs);
}

/** SQL over the columns of a table or the lake: is a row of `partitions`? */
export function partitionsCondition(partitions: readonly string[] | null): string {
  return partitions === null ? 'true' : inPartitions(partitions);
}

