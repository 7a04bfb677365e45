/** From a failed write to the decision: which rows of the range the stores refuse. */
import { PREFIX_BYTES, propertyIndexEnd, stringAt, STRING_COLUMNS } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { forEachRow, keyAt, type Verdict } from '../dedup/deduplicate.ts';
import { selectRows } from '../range/range.ts';
import type { Stores } from '../stores.ts';
import type { RefusedRows } from './find-refused.ts';

/**
 * The rows of the range that could not be stored, among those with a verdict of `keep` and their copies: a refused row
 * is not the first copy of its id, so the next one is looked at in its place, and that may be refused as well.
 */
export async function findRefusals(stores: Stores, batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]): Promise<RefusedRows> {
  const keys = new Set<string>();
  forEachRow(batches, range, (index, bytes, start) => {
    if (verdicts[index] === 'keep') keys.add(keyAt(bytes, start));
  });
  const refused = new Map<number, string>();
  const offsets: number[] = [];
  forEachRow(batches, range, (index, bytes, start, end) => {
    if (verdicts[index] === 'refused' || !keys.has(keyAt(bytes, start))) return;
    const offset = range.from + index;
    if (isWhole(bytes, start, end)) offsets.push(offset);
    else refused.set(offset, 'staging: the row breaks off, or goes on after its last column');
  });
  // One broken row is a row's fault; if none can be read the log was written by another version, and no row is to blame.
  if (offsets.length === 0 && refused.size > 0) {
    throw new RowsUnreadable(`None of ${refused.size} rows at ${range.from}-${range.to} can be read; was the log written by another version?`);
  }
  const looked = new Set(offsets);
  const rows = selectRows(batches, range, (index) => looked.has(range.from + index));
  for (const [offset, why] of await stores.findRefused(rows, offsets, range)) refused.set(offset, why);
  return refused;
}

class RowsUnreadable extends Error {
  readonly code = 'rows_unreadable';
}

/** Whether the columns of a row end exactly where it ends: a row that doesn't would shift those behind it. */
function isWhole(bytes: Buffer, start: number, end: number): boolean {
  const row = bytes.subarray(start, end);
  let at: number | undefined = PREFIX_BYTES;
  for (let column = 0; column < STRING_COLUMNS.length && at !== undefined; column++) at = stringAt(row, at)?.end;
  return at !== undefined && propertyIndexEnd(row, at, row.length) === row.length;
}
