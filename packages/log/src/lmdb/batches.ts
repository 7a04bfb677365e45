/** What a table of batches tells of its end and of its beginning. Batches have up to some megabytes, and LMDB hands out copies: few are read. */
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
  const key = lastKey(db);
  return key === undefined ? undefined : placeOf(db, key);
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

/** How long it is believed that a batch is what it was: after a failed sync another one may take its place. */
const REMEMBERED_MS = 1_000;

/**
 * `lastBatch(db)` for who asks again and again. As long as the same one is the last it is copied once a second: where it had 0.5 MB, and
 * was copied for each look, a page of a person in 16 met a whole collection of garbage, p99 34 ms in place of 14 (2026-11-23).
 */
export class LastBatches {
  readonly #known = new WeakMap<BatchDb, BatchPlace & { readAtMs: number }>();

  of(db: BatchDb): BatchPlace | undefined {
    const key = lastKey(db);
    if (key === undefined) return undefined;
    const known = this.#known.get(db);
    if (known?.baseOffset === key && performance.now() - known.readAtMs < REMEMBERED_MS) return known;
    const read = { ...placeOf(db, key), readAtMs: performance.now() };
    this.#known.set(db, read);
    return read;
  }
}

function lastKey(db: BatchDb): number | undefined {
  for (const key of db.getKeys({ reverse: true, limit: 1 })) return key;
  return undefined;
}

function placeOf(db: BatchDb, baseOffset: number): BatchPlace {
  const { count, receivedAtMs } = batchHead(db.get(baseOffset)!);
  return { baseOffset, endOffset: baseOffset + count, receivedAtMs };
}
