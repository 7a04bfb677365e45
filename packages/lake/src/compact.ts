/**
 * Splits landing files by the day and hour of their events: `date=2026-01-15/hour=10/…parquet` (UTC, event time); the hours of
 * a day with few events stay together as `hour=all`.
 *
 * Not by event name and source as well, and not by hour alone: the 31,106 events of a small shop over six months would lie
 * in 13,334 files by date, hour and event, in 1,874 by date and hour, in 177 by date; and a file of 58 events with all the
 * columns is seven times the size of its share of a large one. Rows in a file are sorted by project, event and time
 * instead, so that a reader's row-group statistics skip what deeper folders would have.
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

interface CompactionBounds {
  /** Files taken at once. */
  maxFiles: number;
  maxRows: number;
  /** A day of more events than this is split by hour. */
  busyDayRows: number;
}

/**
 * All rows of a round are in memory at once, two to three times, of the 1 GB that the engine has for everything (with 1.2 million it took
 * all of it, and ranges, questions and exports failed with the round). One landing file holds a range, which is at most 31 MB.
 */
const DEFAULTS: CompactionBounds = { maxFiles: 100, maxRows: 40_000, busyDayRows: 1_000_000 };
/**
 * Rows that sorting hands on to the files at once. By default it is all of them in one block, which is then copied for the folders and
 * once more for the file: 44,350 rows of 0.95 KB took 351 MiB at the most, 22,200 took 120; in blocks of this size 120 and 76, in the
 * same time (chDB 26.7, 2026-11-23). Files that landed in smaller row groups gave nothing, neither did sorting on disk.
 */
const BLOCK_ROWS = 2_048;
/** On disk, for rows that are larger than most: they are a fifth to a tenth of their size there. */
const MAX_FILE_BYTES = 12 << 20;
/** A round that needs more fails alone. */
const MAX_MEMORY_BYTES = 512 << 20;
/** A file below this many rows is written anew together with what came later for its day. */
const SMALL_FILE_ROWS = 20_000;
const DAY_MS = 86_400_000;
/** SQL of the day of a row, as days since 1970. */
const DAY = `intDiv(toUnixTimestamp64Milli(time), ${DAY_MS})`;
/**
 * Folders written in one statement. A Parquet file that is being written takes 4.2 MB of the 1 GB that the engine has for
 * everything: rows of more than 240 days at once failed, and failed again in each round (chDB 26.7).
 */
const MAX_FOLDERS_AT_ONCE = 32;
const HOURS_A_DAY = 24;

/** One round; resolves to how many files went in and came out, and of how many rows (all 0 when there was nothing to do). */
export async function compactLake(lake: Lake, warehouse: Warehouse, bounds = DEFAULTS): Promise<{ read: number; written: number; rows: number }> {
  const landing = [...lake.manifest.files].filter(isLanding);
  const landed = take(landing.filter(({ rows }) => rows > 0), bounds);
  if (landed.length === 0) return { read: 0, written: 0, rows: 0 };
  // A range of which nothing was stored has landed all the same: its file only says so, and waits for one that can say it too.
  const empty = landing.filter(({ rows }) => rows === 0).slice(0, bounds.maxFiles);
  const sources = [...landed, ...empty, ...takeAlong(smallFilesOfTheSameDays(lake, landed), bounds.maxRows - rowsOf(landed))];
  const work = join(lake.folder, 'compacting');
  await rm(work, { recursive: true, force: true });
  const name = `${randomUUID()}.parquet`;
  const inputs = sources.map(({ path }) => literal(join(lake.folder, path)));
  // A union by hand: file() takes a glob with braces, but an epoch or a name could hold a brace of its own.
  const rows = inputs.map((path) => `SELECT * FROM file(${path}, 'Parquet')`).join(' UNION ALL ');
  const split = await splitOf(lake, warehouse, sources, rows, bounds.busyDayRows);
  for (const { fromDay, toDay } of split.passes) {
    await warehouse.command(
      `INSERT INTO FUNCTION file(${literal(`${work}/{_partition_id}/${name}`)}, 'Parquet')
       PARTITION BY ${split.folder}
       SELECT * FROM (${rows}) WHERE ${DAY} >= ${fromDay} AND ${DAY} <= ${toDay} ORDER BY project, event_name, time
       SETTINGS output_format_parquet_compression_method = 'zstd', max_partitions_per_insert_block = 0, use_hive_partitioning = 0,
         max_threads = 1, max_block_size = ${BLOCK_ROWS}, max_memory_usage = ${MAX_MEMORY_BYTES}`,
    );
  }
  const added = await publishAll(lake, warehouse, work, name, coalesce(sources.flatMap(({ ranges }) => ranges)));
  const [before, after] = [rowsOf(sources), rowsOf(added)];
  if (before !== after) throw new Error(`Compaction of the lake would change ${before} rows into ${after}; nothing was replaced.`);
  await lake.replace(sources, added);
  await rm(work, { recursive: true, force: true });
  return { read: sources.length, written: added.length, rows: after };
}

function take(files: readonly LakeFile[], { maxFiles, maxRows }: CompactionBounds): LakeFile[] {
  const taken: LakeFile[] = [];
  let [rows, bytes] = [0, 0];
  for (const file of files) {
    if (taken.length > 0 && (taken.length >= maxFiles || rows + file.rows > maxRows || bytes + file.bytes > MAX_FILE_BYTES)) break;
    taken.push(file);
    rows += file.rows;
    bytes += file.bytes;
  }
  return taken;
}

/** Those that fit into what is left of the round. */
function takeAlong(files: readonly LakeFile[], maxRows: number): LakeFile[] {
  const taken: LakeFile[] = [];
  let rows = 0;
  for (const file of files) {
    if (rows + file.rows > maxRows) continue;
    taken.push(file);
    rows += file.rows;
  }
  return taken;
}

function smallFilesOfTheSameDays(lake: Lake, landed: readonly LakeFile[]): LakeFile[] {
  const fromDay = Math.floor(Math.min(...landed.map(({ fromMs }) => fromMs)) / DAY_MS);
  const toDay = Math.floor(Math.max(...landed.map(({ toMs }) => toMs)) / DAY_MS);
  // Landing files that span long stretches are an import: writing all of history anew for it would cost more than it saves.
  if (toDay - fromDay > 2) return [];
  return [...lake.manifest.files].filter((file) => !isLanding(file) && file.rows > 0 && file.rows < SMALL_FILE_ROWS && daysOf(file).every((day) => day >= fromDay && day <= toDay));
}

/** The first and the last day of a file, as days since 1970. */
function daysOf({ fromMs, toMs }: LakeFile): [number, number] {
  return [Math.floor(fromMs / DAY_MS), Math.floor(toMs / DAY_MS)];
}

interface Split {
  /** SQL of the folder of a row. */
  folder: string;
  /** Runs of days, inclusive, that are written one after another. */
  passes: { fromDay: number; toDay: number }[];
}

/** By hour where a day is busy, counting what is already split of it. */
async function splitOf(lake: Lake, warehouse: Warehouse, sources: readonly LakeFile[], rows: string, busyDayRows: number): Promise<Split> {
  const { rows: days } = await warehouse.query<{ day: number; events: number }>(
    `SELECT toUInt32(${DAY}) AS day, count() AS events FROM (${rows}) GROUP BY day ORDER BY day
     SETTINGS use_hive_partitioning = 0`,
  );
  const split = new Map<number, number>();
  for (const file of lake.manifest.files) {
    if (!isLanding(file) && !sources.includes(file)) split.set(daysOf(file)[0], (split.get(daysOf(file)[0]) ?? 0) + file.rows);
  }
  const busy = new Set(days.filter(({ day, events }) => events + (split.get(day) ?? 0) > busyDayRows).map(({ day }) => day));
  const byHour = busy.size === 0 ? '0' : `${DAY} IN (${[...busy].join(', ')})`;
  const folder = `concat(formatDateTime(time, 'date=%Y-%m-%d/hour='), if(${byHour}, formatDateTime(time, '%H'), 'all'))`;
  const passes: Split['passes'] = [];
  let folders = MAX_FOLDERS_AT_ONCE;
  for (const { day } of days) {
    const more = busy.has(day) ? HOURS_A_DAY : 1;
    if (folders + more > MAX_FOLDERS_AT_ONCE) {
      passes.push({ fromDay: day, toDay: day });
      folders = more;
    } else {
      passes.at(-1)!.toDay = day;
      folders += more;
    }
  }
  return { folder, passes };
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
    // The last one for the name of a new `date=` folder: what is only in there must not go with it.
    folders.add(dirname(target)).add(dirname(dirname(target))).add(lake.folder);
    added.push({ path, bytes: size, ranges, ...facts });
  }
  for (const folder of folders) await syncPath(folder);
  return added;
}

function rowsOf(files: readonly LakeFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}
