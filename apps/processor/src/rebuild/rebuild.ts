import type { Lake, LakeFile } from '@tidemark/lake';
import type { LogReader, Positions } from '@tidemark/log';
import { createMissingTables, positionCondition, shadowOf, tableIds, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { differing, digestOfTable, type Digest } from '../mend/digest.ts';
import { committedCondition } from '../mend/doubt.ts';
import { oldestIdMs } from '../mend/mend-stores.ts';
import { refillIds, rememberedSince, type Refilled } from '../mend/refill.ts';
import { committedPosition } from '../start-position.ts';
import { agree, refuseLoss } from './agreement.ts';
import type { RebuildJournal } from './journal.ts';
import { filesOfPartitions, partitionsCondition } from './scope.ts';
import { ShadowCopy } from './shadow-copy.ts';
import { swap } from './swap.ts';

export interface RebuildParts {
  reader: LogReader;
  positions: Positions;
  warehouse: Warehouse;
  lake: Lake;
  temporaryFolder: string;
  processor: {
    /** Runs it while no range is written. */
    between<Result>(work: () => Promise<Result>): Promise<Result>;
    /** The table of ids was given some that it had lost. Only between ranges. */
    relearnIds(): Promise<void>;
  };
  /** Runs it while no job changes a store, and no backup is made. */
  exclusively: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /** Tables that are made of events; rows of them may be written twice. */
  derived: { tables: readonly string[]; write(source: string): Promise<unknown> };
  /** Epoch ms: ids of events that were received in weeks before it are not kept. */
  idsSinceMs: () => number;
  /** The tables have changed places: what is known of their parts is to be written down anew. Nothing writes meanwhile. */
  swapped: () => Promise<void>;
  bounds?: RebuildBounds;
}

export type RebuildPhase = 'copying' | 'comparing' | 'swapping';

/** Shared with whoever watches. */
export interface RebuildRun {
  phase: RebuildPhase;
  partitions: readonly string[] | null;
  allowLoss: boolean;
  copied: Set<string>;
  /** Rows in the shadows, about. */
  rows: number;
  /** Files with these paths were not copied in part by a run that was killed, nor made of some that were copied. */
  untouched: ReadonlySet<string>;
  /** Aborted: leave it as it is. */
  stop: AbortSignal;
}

interface RebuildBounds {
  /** What is copied while jobs and backups wait: about a second. */
  batchRows: number;
  batchFiles: number;
  /** With no more than this left to copy the comparison begins. */
  lastRows: number;
}

const DEFAULTS: RebuildBounds = { batchRows: 120_000, batchFiles: 100, lastRows: 10_000 };

/**
 * Fills the shadows from the lake and puts them in the tables' places, while events go on being taken and stored. Jobs get
 * their turn between two batches, so files may be replaced and rows deleted under it: what counts is the comparison at
 * the end, of the shadows with the lake by every offset. The last of it is done between two ranges of the processor.
 * Throws RebuildRefused, WarehouseError, or the reason of `stop`.
 */
export async function rebuild(parts: RebuildParts, journal: RebuildJournal, run: RebuildRun): Promise<void> {
  const { warehouse, lake, processor, exclusively, bounds = DEFAULTS } = parts;
  const copy = new ShadowCopy(parts);
  try {
    const scope = partitionsCondition(run.partitions);
    const files = (): LakeFile[] => filesOfPartitions(lake, run.partitions);
    const pending = (): LakeFile[] => files().filter(({ path }) => !run.copied.has(path));
    const copyBatch = async (batch: readonly LakeFile[]): Promise<void> => {
      await copy.copy(batch, scope, batch.some(({ path }) => !run.untouched.has(path)));
      const rows = rowsOf(batch);
      journal.copied(batch.map(({ path }) => path), rows);
      for (const { path } of batch) run.copied.add(path);
      run.rows += rows;
    };
    // What lands meanwhile is left: it may come as fast as it is copied.
    const copyPending = async (): Promise<void> => {
      for (let left = pending(); left.length > 0;) {
        const batch = firstOf(left, bounds);
        await copyBatch(batch);
        left = left.slice(batch.length);
      }
    };
    const patience = patienceFor(pending());
    while ((rowsOf(pending()) > bounds.lastRows || pending().length > bounds.batchFiles) && !patience.isOver()) {
      run.stop.throwIfAborted();
      await exclusively(async () => {
        const batch = firstOf(pending(), bounds);
        await copyBatch(batch);
        patience.copied(batch);
      });
    }
    run.stop.throwIfAborted();
    await exclusively(async () => {
      run.phase = 'comparing';
      const committed = (await committedPosition('events', parts)).offset;
      const before = committedCondition(parts.reader.epochs, committed);
      await copyPending();
      await agree({ warehouse, lake, copy }, files, `${scope} AND ${before}`);
      if (!run.allowLoss) await refuseLoss({ warehouse, lake, copy }, files(), `${scope} AND ${before}`);
      await parts.derived.write(shadowOf('events'));
      const hasIds = (await tableIds(warehouse)).has('event_ids');
      const idsSinceMs = Math.min(parts.idsSinceMs(), hasIds ? await oldestIdMs(warehouse) : Infinity);
      const lostIds = run.partitions === null ? await rangesOfLostIds(warehouse, before, idsSinceMs, hasIds) : [];
      run.stop.throwIfAborted();
      await processor.between(async () => {
        await copyPending();
        // Of what is not committed nothing lies elsewhere, and the processor is not to wait for all files.
        const landedSince = (): LakeFile[] => files().filter(({ ranges }) => ranges.some(({ to }) => to > committed));
        await agree({ warehouse, lake, copy }, landedSince, `${scope} AND NOT (${before})`);
        run.phase = 'swapping';
        await swap(warehouse, journal, run.partitions);
        await putIdsBack(parts, lostIds, idsSinceMs);
        await parts.swapped();
        journal.swapped();
      });
    });
  } finally {
    await copy.close();
  }
}

/** Where ids of stored events are not in their table. Those of weeks that were forgotten are not missed. */
async function rangesOfLostIds(warehouse: Warehouse, before: string, idsSinceMs: number, hasIds: boolean): Promise<OffsetRange[]> {
  const stored = `${before} AND ${rememberedSince(idsSinceMs)}`;
  const timeline = shadowOf('timeline');
  const lost: OffsetRange[] = [];
  // Where events were deleted their ids are still there: there too the two differ.
  const held: Digest = hasIds ? await digestOfTable(warehouse, 'event_ids', before) : new Map();
  for (const range of differing([await digestOfTable(warehouse, timeline, stored), held])) {
    if (!hasIds) {
      lost.push(range);
      continue;
    }
    const within = positionCondition(range);
    const { rows } = await warehouse.query<{ lost: number }>(
      `SELECT count() AS lost FROM ${timeline} WHERE ${within} AND ${stored} AND offset NOT IN (SELECT offset FROM event_ids WHERE ${within})`,
    );
    if ((rows[0]?.lost ?? 0) > 0) lost.push(range);
  }
  return lost;
}

async function putIdsBack(parts: RebuildParts, ranges: readonly OffsetRange[], idsSinceMs: number): Promise<void> {
  // Not sooner: without its ids the processor stands still, and with an empty table it would take copies for new.
  await createMissingTables(parts.warehouse, ['event_ids']);
  const refilled: Refilled = { events: 0, timeline: 0, event_ids: 0, lake: 0 };
  for (const range of ranges) await refillIds({ ...parts, broken: new Set(), idsSinceMs }, range, refilled);
  if (refilled.event_ids > 0) await parts.processor.relearnIds();
}

/** How much of what is there at the start is copied, in files and in rows, before jobs have to wait for the rest. */
const PATIENCE_FACTOR = 2;

/**
 * Jobs that compact, and rows that land, make files that are to be copied too. Where they come as fast as they are copied
 * there would be no end of taking turns with them.
 */
function patienceFor(atStart: readonly LakeFile[]): { copied(batch: readonly LakeFile[]): void; isOver(): boolean } {
  let files = PATIENCE_FACTOR * atStart.length;
  let rows = PATIENCE_FACTOR * rowsOf(atStart);
  return {
    copied(batch) {
      files -= batch.length;
      rows -= rowsOf(batch);
    },
    isOver: () => files < 0 && rows < 0,
  };
}

function firstOf(files: readonly LakeFile[], { batchFiles, batchRows }: RebuildBounds): LakeFile[] {
  const batch: LakeFile[] = [];
  for (const file of files) {
    if (batch.length > 0 && (batch.length >= batchFiles || rowsOf(batch) + file.rows > batchRows)) break;
    batch.push(file);
  }
  return batch;
}

function rowsOf(files: readonly LakeFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}
