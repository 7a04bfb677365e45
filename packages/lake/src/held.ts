import { join } from 'node:path';
import { literal, positionCondition, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import type { LakeFile, Manifest } from './manifest.ts';

/** A table in memory: the offsets that `loadHeldOffsets` found. One range at a time. */
export const HELD_OFFSETS = 'lake_offsets';

/** A statement ends at 256 KB, and a day of each of some years may lie in files of their own. */
const FILES_A_STATEMENT = 200;

/** Where the files lie, and which of them count. */
interface LakeFiles {
  readonly folder: string;
  readonly manifest: Manifest;
}

/** Files that may hold rows of `range`: those that name an overlapping range. */
export function filesOf(lake: LakeFiles, range: OffsetRange): LakeFile[] {
  const overlaps = (held: OffsetRange): boolean =>
    held.epoch === range.epoch && held.partition === range.partition && held.from < range.to && held.to > range.from;
  return [...lake.manifest.files].filter(({ rows, ranges }) => rows > 0 && ranges.some(overlaps));
}

/** SELECTs of `columns` of those rows in `files` that meet `condition`, each of so many files that a statement can hold it. */
export function rowsOfFiles(lake: LakeFiles, files: readonly LakeFile[], columns: string, condition: string): string[] {
  const selects: string[] = [];
  for (let at = 0; at < files.length; at += FILES_A_STATEMENT) {
    const some = files.slice(at, at + FILES_A_STATEMENT);
    const rows = some.map(({ path }) => `SELECT ${columns} FROM file(${literal(join(lake.folder, path))}, 'Parquet') WHERE ${condition}`);
    selects.push(rows.join(' UNION ALL '));
  }
  return selects;
}

/**
 * Fills HELD_OFFSETS with the offsets of `range` that `files` hold, by their rows: what the manifest says of a file's
 * ranges is true of all files of one compaction together, and one of them may have been lost.
 */
export async function loadHeldOffsets(lake: LakeFiles, warehouse: Warehouse, files: readonly LakeFile[], range: OffsetRange): Promise<void> {
  await dropHeldOffsets(warehouse);
  await warehouse.command(`CREATE TABLE ${HELD_OFFSETS} (offset UInt64) ENGINE = Memory`);
  for (const select of rowsOfFiles(lake, files, 'offset', positionCondition(range))) {
    await warehouse.command(`INSERT INTO ${HELD_OFFSETS} SELECT offset FROM (${select}) SETTINGS use_hive_partitioning = 0`);
  }
}

export async function dropHeldOffsets(warehouse: Warehouse): Promise<void> {
  await warehouse.command(`DROP TABLE IF EXISTS ${HELD_OFFSETS} SYNC`);
}
