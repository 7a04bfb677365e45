import { PREFIX, writeInt64 } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from './dedup/deduplicate.ts';

/** Bounds of one range: one block for the stores, and what a second try has to hold in memory. */
export const MAX_RANGE_RECORDS = 100_000;
export const MAX_RANGE_BYTES = 64 << 20;

/** What is written down, durably, before anything is applied: a second try does exactly this range again. */
export interface Intent {
  to: number;
  decidedAtMs: number;
  /** Version of the code that decided. */
  version: string;
}

/** The rows of the kept records, one after another, each with its offset in place. */
export function keptRows(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]): Buffer {
  let size = 0;
  for (const batch of batches) size += batch.bytes.length;
  const rows = Buffer.allocUnsafeSlow(size);
  let end = 0;
  forEachRow(batches, range, (index, bytes, from, to) => {
    if (verdicts[index] !== 'keep') return;
    bytes.copy(rows, end, from, to);
    writeInt64(rows, end + PREFIX.offset, range.from + index);
    end += to - from;
  });
  return rows.subarray(0, end);
}
