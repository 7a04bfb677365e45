/**
 * What a table of batches tells without its batches being copied out of it: they have up to some megabytes, and whoever copies the last one
 * for each look at the log's end has whole collections of garbage for it (a page of a person p99 34 ms where the last batch had
 * 0.5 MB, 12 ms where it was small; 2026-11-23).
 */
import type { Database } from 'lmdb';
import { batchHead } from '../batch.ts';

/** By base offset. */
export type BatchDb = Database<Buffer, number>;

export interface BatchPlace {
  baseOffset: number;
  /** The offset after its last record. */
  endOffset: number;
  receivedAtMs: number;
}

/** The last batch, if there is one. */
export function lastBatch(db: BatchDb): BatchPlace | undefined {
  for (const key of db.getKeys({ reverse: true, limit: 1 })) return placeOf(db, key);
  return undefined;
}

/** Base offsets of at most `limit` batches from the first on that end by `beforeOffset` and came before `olderThanMs`, and where they end. Never the last batch. */
export function oldBatches(db: BatchDb, { beforeOffset, olderThanMs, limit }: { beforeOffset: number; olderThanMs: number; limit: number }): { baseOffsets: readonly number[]; endOffset: number } {
  const keys = [...db.getKeys({ limit: limit + 1 })];
  // receivedAt never decreases (T7), nor do offsets: of all that are old the last is looked for.
  let [old, young] = [0, keys.length - 1];
  while (old < young) {
    const middle = (old + young) >>> 1;
    const { endOffset, receivedAtMs } = placeOf(db, keys[middle]!);
    if (endOffset <= beforeOffset && receivedAtMs < olderThanMs) old = middle + 1;
    else young = middle;
  }
  return { baseOffsets: keys.slice(0, old), endOffset: keys[old] ?? 0 };
}

function placeOf(db: BatchDb, baseOffset: number): BatchPlace {
  // Into memory that is used again: to be read at once.
  const { count, receivedAtMs } = batchHead(db.getBinaryFast(baseOffset)!);
  return { baseOffset, endOffset: baseOffset + count, receivedAtMs };
}
