import { PREFIX, writeInt64 } from '@tidemark/event';
import type { ReadBounds, RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from './dedup/deduplicate.ts';

/**
 * Bounds of one range: one block for the stores, and what a second try has to hold in memory. The engine's columns grow by doubling, so a
 * range that is a little larger may take twice the memory, in the staging table and in each copy that the stores make of it: 64 MiB of
 * events of 0.94 KB took 122 MiB staged, 133 in `timeline` and 241 in the lake's file, 48 MiB mostly 61, 69 and 121 (2026-11-23).
 */
const MAX_RANGE_RECORDS = 65_000;
const MAX_RANGE_BYTES = 48 << 20;

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

/** Memory for the rows of one range after another: what is taken and given back each second (64 MB then) cost 1 us an event in page faults. */
export class RowMemory {
  #bytes = Buffer.alloc(0);

  /** At least `size` bytes, whose content is over with the next call. */
  take(size: number): Buffer {
    if (this.#bytes.length < size) this.#bytes = Buffer.allocUnsafeSlow(size);
    return this.#bytes;
  }
}

/** The rows of the kept records, one after another, each with its offset in place. Valid until `memory` is taken again. */
export function keptRows(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[], memory: RowMemory): Buffer {
  return selectRows(batches, range, (index) => verdicts[index] === 'keep', memory);
}

/** The rows that `take` is true of, likewise. */
export function selectRows(
  batches: readonly RecordBatch[],
  range: OffsetRange,
  take: (index: number, bytes: Buffer, start: number, end: number) => boolean,
  memory = new RowMemory(),
): Buffer {
  let size = 0;
  for (const batch of batches) size += batch.bytes.length;
  const rows = memory.take(size);
  let end = 0;
  forEachRow(batches, range, (index, bytes, from, to) => {
    if (!take(index, bytes, from, to)) return;
    bytes.copy(rows, end, from, to);
    writeInt64(rows, end + PREFIX.offset, range.from + index);
    end += to - from;
  });
  return rows.subarray(0, end);
}
