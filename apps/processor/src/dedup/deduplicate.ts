import { PREFIX } from '@tidemark/event';
import { forEachRecord, type RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { receivedAtMs } from '../range/row-prefix.ts';
import type { SeenIds } from './seen-ids.ts';

export type Verdict = 'keep' | 'duplicate' | 'conflict' | 'refused';

const KEY_BYTES = 16;
/** Of an id that was found again without its content (mend/refill.ts). */
const UNKNOWN_CONTENT = 0;
const NONE: ReadonlyMap<number, unknown> = new Map();

/**
 * The verdict on each record of `range`, in offset order: the first copy of an id is kept, by the log's order, whether
 * the others lie in earlier ranges or in this one. Same id with other content is a conflict; the first copy stays.
 * A row that a store is known to refuse (`refusedOffsets`) is no copy at all, unless an earlier one was kept.
 * `secondTry`: a first one may have written some of its ids down.
 */
export async function deduplicate(
  batches: readonly RecordBatch[],
  range: OffsetRange,
  seen: SeenIds,
  secondTry: boolean,
  refusedOffsets: ReadonlyMap<number, unknown> = NONE,
): Promise<Verdict[]> {
  const verdicts: Verdict[] = new Array<Verdict>(range.to - range.from).fill('keep');
  for (const offset of refusedOffsets.keys()) verdicts[offset - range.from] = 'refused';
  const doubtful = new Map<string, Set<string>>();
  forEachRow(batches, range, (_, bytes, at) => {
    const weeks = seen.addUnlessSeen(bytes, at + PREFIX.key, receivedAtMs(bytes, at));
    if (weeks === undefined) return;
    const key = keyAt(bytes, at);
    doubtful.set(key, new Set([...(doubtful.get(key) ?? []), ...weeks]));
  });
  if (doubtful.size === 0) return verdicts;
  const contents = await seen.lookUp(doubtful, secondTry ? range : undefined);
  // The filter may doubt a first copy (a false positive, or a second try); only an earlier copy makes a duplicate.
  forEachRow(batches, range, (index, bytes, at) => {
    const key = keyAt(bytes, at);
    if (!doubtful.has(key)) return;
    const content = bytes.readUInt32LE(at + PREFIX.content);
    const first = contents.get(key);
    if (first === undefined) {
      if (verdicts[index] === 'refused') return;
      contents.set(key, content);
      seen.add(bytes, at + PREFIX.key, receivedAtMs(bytes, at));
    } else verdicts[index] = first === content || first === UNKNOWN_CONTENT ? 'duplicate' : 'conflict';
  });
  return verdicts;
}

/** Visits the rows of a range: their index in it, and where their bytes begin and end. */
export function forEachRow(
  batches: readonly RecordBatch[],
  range: OffsetRange,
  visit: (index: number, bytes: Buffer, start: number, end: number) => void,
): void {
  for (const batch of batches) {
    forEachRecord(batch, (offset, bytes, start, end) => {
      if (offset >= range.from && offset < range.to) visit(offset - range.from, bytes, start, end);
    });
  }
}

/** The dedup key of a row, as a latin1 text of 16 bytes. */
export function keyAt(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at + PREFIX.key, at + PREFIX.key + KEY_BYTES);
}
