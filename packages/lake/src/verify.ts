import { mkdir, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { literal, WarehouseError, type Warehouse } from '@tidemark/warehouse';
import { syncPath } from './durable.ts';
import type { Lake } from './lake.ts';
import type { LakeFile } from './manifest.ts';

export interface BrokenLakeFile {
  file: LakeFile;
  reason: string;
}

/**
 * Files of the manifest that are not what it says of them. All are looked at for their size; those that were written
 * after `suspectSinceMs` (epoch ms) are read in full as well: every page of a Parquet file of ours has a checksum, which
 * reading checks. (Of 300 single damages in 2.3 MB, all in pages were found; those not found lay in the footer's bloom
 * filters and changed no answer; chDB 26.7.)
 */
export async function verifyLake(lake: Lake, warehouse: Warehouse, suspectSinceMs: number): Promise<BrokenLakeFile[]> {
  const broken: BrokenLakeFile[] = [];
  for (const file of lake.manifest.files) {
    const reason = await faultOf(lake, warehouse, file, suspectSinceMs);
    if (reason !== undefined) broken.push({ file, reason });
  }
  return broken;
}

async function faultOf(lake: Lake, warehouse: Warehouse, file: LakeFile, suspectSinceMs: number): Promise<string | undefined> {
  const path = join(lake.folder, file.path);
  let found: { size: number; mtimeMs: number };
  try {
    found = await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return 'it is missing';
  }
  if (found.size !== file.bytes) return `it has ${found.size} bytes instead of ${file.bytes}`;
  if (found.mtimeMs < suspectSinceMs) return undefined;
  try {
    const { rows } = await warehouse.query<{ rows: number }>(
      `SELECT countIf(NOT ignore(*)) AS rows FROM file(${literal(path)}, 'Parquet') SETTINGS use_hive_partitioning = 0`,
    );
    const held = rows[0]?.rows ?? 0;
    return held === file.rows ? undefined : `it holds ${held} events instead of ${file.rows}`;
  } catch (error) {
    if (!(error instanceof WarehouseError)) throw error;
    return (error.message.trim().split('\n')[0] ?? '').slice(0, 300);
  }
}

/**
 * Puts `replacements` into the manifest in the place of broken files, at once, and then what is left of those aside, as
 * `broken/….parquet.broken`, for the operator to look at.
 */
export async function replaceBroken(lake: Lake, broken: readonly BrokenLakeFile[], replacements: LakeFile[]): Promise<void> {
  if (broken.length === 0 && replacements.length === 0) return;
  lake.manifest.change({ add: replacements, remove: broken.map(({ file }) => file.path) });
  const folder = join(lake.folder, 'broken');
  for (const { file } of broken) {
    const path = join(lake.folder, file.path);
    await mkdir(folder, { recursive: true });
    await rename(path, join(folder, `${basename(file.path)}.broken`)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  if (broken.length > 0) await syncPath(lake.folder);
}
