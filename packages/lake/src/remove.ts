import { randomUUID } from 'node:crypto';
import { join, posix } from 'node:path';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Lake } from './lake.ts';
import type { LakeFile } from './manifest.ts';

/**
 * Writes every file that holds rows for which `condition` (SQL over the lake's columns, of literals only) is true anew
 * without them. `mayHold` rules files out without reading them; it is asked of each file when its turn comes, and may
 * throw to break off. Resolves to how many events went.
 */
export async function removeFromLake(
  lake: Lake,
  warehouse: Warehouse,
  condition: string,
  mayHold: (file: LakeFile) => boolean = () => true,
): Promise<number> {
  let removed = 0;
  // Those of now: each is replaced, and what takes its place needs no look.
  const files = [...lake.manifest.files];
  for (const file of files) {
    if (!mayHold(file)) continue;
    const source = `file(${literal(join(lake.folder, file.path))}, 'Parquet')`;
    const { rows } = await warehouse.query<{ events: number }>(
      `SELECT countIf(${condition}) AS events FROM ${source} SETTINGS use_hive_partitioning = 0`,
    );
    const events = rows[0]?.events ?? 0;
    if (events === 0) continue;
    const path = posix.join(posix.dirname(file.path), `${randomUUID()}.parquet`);
    const kept = await lake.publish(path, `SELECT * FROM ${source} WHERE NOT (${condition})`);
    // A file that held nothing else stays, empty: its ranges are still done, and a second try must find them so.
    await lake.replace([file], [{ ...kept, ranges: file.ranges }]);
    removed += events;
  }
  return removed;
}
