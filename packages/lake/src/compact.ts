/**
 * Splits landing files by the hour of their events: `date=2026-01-15/hour=10/…parquet` (UTC, event time).
 *
 * Not by event name and source as well: the 31,106 events of a small shop over six months would lie in 13,334 files by
 * date, hour and event, against 1,874 by date and hour. Rows in a file are sorted by project, event and time instead,
 * so that a reader's row-group statistics skip what the folders would have.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { dirname, join, posix } from 'node:path';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { coalesce } from './coalesce.ts';
import { syncPath } from './durable.ts';
import { isLanding, type Lake } from './lake.ts';
import type { LakeFile } from './manifest.ts';

export interface CompactionBounds {
  /** Files taken at once. */
  maxFiles: number;
  maxRows: number;
}

const DEFAULTS: CompactionBounds = { maxFiles: 100, maxRows: 2_000_000 };
/** An hour's file below this many rows is written anew together with what came late for it. */
const SMALL_FILE_ROWS = 500_000;
const HOUR_MS = 3_600_000;

/** One round; resolves to how many files went in and came out ({0, 0} when there was nothing to do). */
export async function compactLake(lake: Lake, warehouse: Warehouse, bounds = DEFAULTS): Promise<{ read: number; written: number }> {
  const landed = take([...lake.manifest.files].filter(isLanding), bounds);
  if (landed.length === 0) return { read: 0, written: 0 };
  const sources = [...landed, ...smallFilesOfTheSameHours(lake, landed)];
  const work = join(lake.folder, 'compacting');
  await rm(work, { recursive: true, force: true });
  const name = `${randomUUID()}.parquet`;
  const inputs = sources.map(({ path }) => literal(join(lake.folder, path)));
  // A union by hand: file() takes a glob with braces, but an epoch or a name could hold a brace of its own.
  const rows = inputs.map((path) => `SELECT * FROM file(${path}, 'Parquet')`).join(' UNION ALL ');
  await warehouse.command(
    `INSERT INTO FUNCTION file(${literal(`${work}/{_partition_id}/${name}`)}, 'Parquet')
     PARTITION BY formatDateTime(time, 'date=%Y-%m-%d/hour=%H')
     SELECT * FROM (${rows}) ORDER BY project, event_name, time
     SETTINGS output_format_parquet_compression_method = 'zstd', max_partitions_per_insert_block = 0, use_hive_partitioning = 0`,
  );
  const added = await publishAll(lake, warehouse, work, name, coalesce(sources.flatMap(({ ranges }) => ranges)));
  const [before, after] = [rowsOf(sources), rowsOf(added)];
  if (before !== after) throw new Error(`Compaction of the lake would change ${before} rows into ${after}; nothing was replaced.`);
  await lake.replace(sources, added);
  await rm(work, { recursive: true, force: true });
  return { read: sources.length, written: added.length };
}

function take(files: readonly LakeFile[], { maxFiles, maxRows }: CompactionBounds): LakeFile[] {
  const taken: LakeFile[] = [];
  let rows = 0;
  for (const file of files) {
    if (taken.length > 0 && (taken.length >= maxFiles || rows + file.rows > maxRows)) break;
    taken.push(file);
    rows += file.rows;
  }
  return taken;
}

function smallFilesOfTheSameHours(lake: Lake, landed: readonly LakeFile[]): LakeFile[] {
  const fromHour = Math.floor(Math.min(...landed.map(({ fromMs }) => fromMs)) / HOUR_MS);
  const toHour = Math.floor(Math.max(...landed.map(({ toMs }) => toMs)) / HOUR_MS);
  // Landing files that span long stretches are an import: their hours are left to a later round's own small files.
  if (toHour - fromHour > 48) return [];
  return [...lake.manifest.files].filter(
    (file) => !isLanding(file) && file.rows < SMALL_FILE_ROWS && Math.floor(file.fromMs / HOUR_MS) >= fromHour && Math.floor(file.toMs / HOUR_MS) <= toHour,
  );
}

async function publishAll(lake: Lake, warehouse: Warehouse, work: string, name: string, ranges: OffsetRange[]): Promise<LakeFile[]> {
  const { rows } = await warehouse.query<{ path: string; rows: number; fromMs: number; toMs: number }>(
    `SELECT _path AS path, count() AS rows, toUnixTimestamp64Milli(min(time)) AS fromMs, toUnixTimestamp64Milli(max(time)) AS toMs
     FROM file(${literal(`${work}/**/${name}`)}, 'Parquet') GROUP BY _path ORDER BY _path`,
  );
  const added: LakeFile[] = [];
  const folders = new Set<string>();
  for (const { path: found, ...facts } of rows) {
    const written = posix.normalize(found.replaceAll('\\', '/'));
    const path = posix.relative(work.replaceAll('\\', '/'), written);
    const target = join(lake.folder, path);
    mkdirSync(dirname(target), { recursive: true });
    await syncPath(written);
    const { size } = await stat(written);
    await rename(written, target);
    folders.add(dirname(target)).add(dirname(dirname(target)));
    added.push({ path, bytes: size, ranges, ...facts });
  }
  for (const folder of folders) await syncPath(folder);
  return added;
}

function rowsOf(files: readonly LakeFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}
