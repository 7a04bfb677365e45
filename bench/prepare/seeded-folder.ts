/**
 * A data folder whose dedup store holds many ids of the last four weeks, made once a run: R4 and R12 each get a copy. What
 * is large in it are the parts of one table, which ClickHouse never changes, so the copy has links to them.
 */
import { createHash } from 'node:crypto';
import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { openControl } from '@tidemark/control';
import { literal, warehouseMigrations } from '@tidemark/warehouse';
import { SEEDED_ID_SQL } from '../generate/ids.ts';
import { benchFolder, knob } from '../options.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { copyLinked } from './linked-copy.ts';
import { runSql } from './sql.ts';

const WEEKS = 5;
/** One part a week and block: what stands after a while of merging, without waiting for it. */
const BLOCK = 10_000_000;

let prepared: Promise<string> | undefined;

/** How many ids the dedup store is to hold. */
export function idsToSeed(): number {
  return knob('TIDEMARK_BENCH_IDS', 50_000_000);
}

/** A fresh data folder with `idsToSeed()` ids in its dedup store. Who asks removes it. */
export async function folderWithIds(): Promise<string> {
  const source = await (prepared ??= prepare());
  const copy = join(newFolder(), 'data');
  copyLinked(source, copy);
  return copy;
}

async function prepare(): Promise<string> {
  const kept = process.env['TIDEMARK_BENCH_KEEP'] === '1' ? join(benchFolder(), `tidemark-bench-kept-${fingerprint()}`) : undefined;
  if (kept !== undefined && existsSync(kept)) return kept;
  const startedAt = performance.now();
  const dataPath = join(newFolder({ forWholeRun: true }), 'data');
  // A first start makes everything that a data folder has.
  await (await Server.start({ dataPath })).stop();
  await seed(dataPath);
  console.error(`       ${idsToSeed().toLocaleString('en')} ids made in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  if (kept === undefined) return dataPath;
  renameSync(dataPath, kept);
  return kept;
}

async function seed(dataPath: string): Promise<void> {
  const control = await openControl(join(dataPath, 'control', 'control.db'));
  const [project] = await control.projects.list();
  await control.close();
  const statements: string[] = [];
  const ids = idsToSeed();
  const perWeek = Math.ceil(ids / WEEKS);
  for (let week = 0; week < WEEKS; week++) {
    const end = Math.min(ids, (week + 1) * perWeek);
    for (let from = week * perWeek; from < end; from += BLOCK) statements.push(insertIds(project!.id, from, Math.min(BLOCK, end - from), week * 7));
  }
  await runSql(join(dataPath, 'warehouse'), statements);
}

/** Sorted by their first eight bytes, which decide: a sort of numbers, several times as fast as one of keys. */
function insertIds(project: string, from: number, count: number, daysAgo: number): string {
  return `INSERT INTO event_ids (key, content, epoch, partition, offset, received_at)
    SELECT key, 0, 'seeded', 0, number, now() - toIntervalDay(${daysAgo}) FROM (
      SELECT MD5(concat(${literal(project)}, char(0), ${SEEDED_ID_SQL})) AS key, number FROM numbers_mt(${from}, ${count})
      ORDER BY byteSwap(reinterpretAsUInt64(key))
    )
    SETTINGS max_insert_threads = 1, min_insert_block_size_rows = ${count}, min_insert_block_size_bytes = 0, max_insert_block_size = ${count}`;
}

/** A kept folder is of no use to other tables than it was made for. */
function fingerprint(): string {
  const sql = warehouseMigrations().map((migration) => migration.sql).join('\n');
  return `${idsToSeed()}-${createHash('sha256').update(sql).digest('hex').slice(0, 8)}`;
}

export function removeSeededFolder(dataPath: string): void {
  removeFolder(join(dataPath, '..'));
}
