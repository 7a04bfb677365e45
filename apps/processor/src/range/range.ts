import { PREFIX, writeInt64 } from '@tidemark/event';
import type { ReadBounds, RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from '../dedup/deduplicate.ts';

/**
 * Bounds of one range: one block for the stores, and what a second try has to hold in memory. The engine's columns grow by doubling, so a
 * range that is a little larger may take twice the memory, in the staging table and in each copy that the stores make of it. At the most,
 * with events of 0.94 KB (2026-11-23): 64 MiB took 122 MiB staged, 133 in `timeline` and 241 in the lake's file; 48 MiB 80, 120 and 55,
 * and 54 in `events`; 31 MiB 61, 72, 34 and 38.
 */
const MAX_RANGE_RECORDS = 65_000;
const MAX_RANGE_BYTES = 31 << 20;

/** Of the log. What was decided on is read whole: with other bounds, maybe, by a version before. */
export function rangeBounds(intent?: Intent): ReadBounds {
  return { maxRecords: MAX_RANGE_RECORDS, maxBytes: MAX_RANGE_BYTES, ...(intent && { to: intent.to }) };
}

/** What is written down, durably, before anything is applied: a second try does exactly this range again. */
export interface Intent {
  to: number;
  decidedAtMs: number;
  /** Version of the code that decided. */
  version: string;
  /** Rows that a store refused in the first try, as [offset, in which words]: they go to quarantine. */
  refused?: readonly (readonly [offset: number, detail: string])[];
}

/** The intent has to stay small; the words of so many are enough. */
const MAX_REFUSAL_DETAILS = 1_000;

export function withRefused(intent: Intent, refused: ReadonlyMap<number, string>): Intent {
  const entries = [...refused].map(([offset, detail], index) => [offset, index < MAX_REFUSAL_DETAILS ? detail : ''] as const);
  return { ...intent, refused: entries };
}

/** Rows are handed on in pieces of about this size: those of a whole range would be in memory once more. */
const PIECE_BYTES = 1 << 20;

/** The rows of the kept records, as `selectRows` gives them. */
export function keptRows(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]): Iterable<Buffer> {
  return selectRows(batches, range, (index) => verdicts[index] === 'keep');
}

/** The rows that `take` is true of, one after another, each with its offset in place, in pieces. A piece is valid until the next one is asked for. */
export function* selectRows(batches: readonly RecordBatch[], range: OffsetRange, take: (index: number) => boolean): Generator<Buffer> {
  let piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
  let end = 0;
  for (const batch of batches) {
    if (end + batch.bytes.length > piece.length) {
      if (end > 0) yield piece.subarray(0, end);
      end = 0;
      if (batch.bytes.length > piece.length) piece = Buffer.allocUnsafeSlow(batch.bytes.length);
    }
    forEachRow([batch], range, (index, bytes, from, to) => {
      if (!take(index)) return;
      bytes.copy(piece, end, from, to);
      writeInt64(piece, end + PREFIX.offset, range.from + index);
      end += to - from;
    });
  }
  if (end > 0) yield piece.subarray(0, end);
}
