/**
 * Holds the stores against the outcomes, range by range, within what the log still has: a range that has no outcomes, or
 * of which a store holds fewer rows than were stored, has to be applied again.
 */
import { forEachRecord, type Epoch, type LogReader } from '@tidemark/log';
import type { QuarantineRecord } from '@tidemark/pipeline';
import { literal, positionCondition, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { rangesOf } from './doubt.ts';

interface OutcomeRange {
  start: number;
  records: number;
  stored: number;
  quarantined: number;
}

/**
 * The start of the first range of the topic `events` in [from, to) of the log that is not whole in the stores; undefined
 * when all are. The range that `from` lies in is looked at when it begins at `readableFrom` or behind: an older one could
 * not be applied again.
 */
export async function firstIncompleteEvents(
  warehouse: Warehouse,
  epochs: readonly Epoch[],
  { from, to, readableFrom }: { from: number; to: number; readableFrom: number },
): Promise<number | undefined> {
  for (const range of rangesOf(epochs, 'events', from, to)) {
    const found = await firstIncomplete(warehouse, range, readableFrom);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function firstIncomplete(warehouse: Warehouse, within: OffsetRange, readableFrom: number): Promise<number | undefined> {
  const all = await outcomeRanges(warehouse, within);
  const ranges = all.filter(({ start }) => start >= readableFrom);
  const before = all.findLast(({ start }) => start < readableFrom);
  let end = before === undefined ? Math.min(within.from, ranges[0]?.start ?? within.from) : before.start + before.records;
  const counted = { ...within, from: end };
  const counts: Map<number, number>[] = [];
  for (const table of ['events', 'timeline', 'event_ids']) counts.push(await countsByRange(warehouse, table, 'true', counted));
  const quarantined = await countsByRange(warehouse, 'quarantine', `topic = 'events'`, counted);
  for (const range of ranges) {
    // A gap, or two that lie over each other: what was counted there isn't known.
    if (range.start !== end) return Math.min(range.start, end);
    if (counts.some((held) => (held.get(range.start) ?? 0) < range.stored)) return range.start;
    if ((quarantined.get(range.start) ?? 0) < range.quarantined) return range.start;
    end = range.start + range.records;
  }
  return end < within.to ? end : undefined;
}

/** The ranges that reach into `within`, in order. */
async function outcomeRanges(warehouse: Warehouse, { epoch, partition, from, to }: OffsetRange): Promise<OutcomeRange[]> {
  const topic = `epoch = ${literal(epoch)} AND topic = 'events' AND partition = ${partition}`;
  const { rows } = await warehouse.query<OutcomeRange>(
    `SELECT range_start AS start, sum(events) AS records, sumIf(events, outcome = 'stored') AS stored, sumIf(events, outcome = 'quarantined') AS quarantined
     FROM outcomes WHERE ${topic} AND range_start < ${to}
       AND range_start >= (SELECT max(range_start) FROM outcomes WHERE ${topic} AND range_start <= ${from})
     GROUP BY range_start ORDER BY range_start`,
  );
  return rows.filter(({ start, records }) => start + records > from);
}

/** Rows of `table` by the start of the range of outcomes that they lie in. */
async function countsByRange(warehouse: Warehouse, table: string, condition: string, range: OffsetRange): Promise<Map<number, number>> {
  const { epoch, partition, from, to } = range;
  const { rows } = await warehouse.query<{ start: number; held: number }>(
    `SELECT start, count() AS held FROM
       (SELECT offset, 1 AS log FROM ${table} WHERE ${positionCondition(range)} AND ${condition}) AS held
       ASOF INNER JOIN (SELECT DISTINCT range_start AS start, 1 AS log FROM outcomes
         WHERE epoch = ${literal(epoch)} AND topic = 'events' AND partition = ${partition} AND range_start >= ${from} AND range_start < ${to}) AS ranges
       ON held.log = ranges.log AND held.offset >= ranges.start
     GROUP BY start`,
  );
  return new Map(rows.map(({ start, held }) => [start, held]));
}

/** The first batch of the topic `quarantine` in [from, to) whose items or counts the stores don't hold; undefined when all are there. */
export async function firstIncompleteQuarantine(warehouse: Warehouse, reader: LogReader, from: number, to: number): Promise<number | undefined> {
  for (const range of rangesOf(reader.epochs, 'quarantine', from, to)) {
    const { rows: starts } = await warehouse.query<{ start: number }>(
      `SELECT DISTINCT range_start AS start FROM outcomes WHERE epoch = ${literal(range.epoch)} AND topic = 'quarantine'
         AND partition = ${range.partition} AND range_start >= ${range.from} AND range_start < ${range.to}`,
    );
    const { rows: offsets } = await warehouse.query<{ offset: number }>(
      `SELECT offset FROM quarantine WHERE topic = 'quarantine' AND ${positionCondition(range)}`,
    );
    const { rows: marks } = await warehouse.query<{ offset: number }>(
      `SELECT by_offset AS offset FROM quarantine_replayed
       WHERE by_epoch = ${literal(range.epoch)} AND by_partition = ${range.partition} AND by_offset >= ${range.from} AND by_offset < ${range.to}`,
    );
    const counted = new Set(starts.map(({ start }) => start));
    const held = new Set([...offsets, ...marks].map(({ offset }) => offset));
    const found = firstMissing(reader, range, counted, held);
    if (found !== undefined) return found;
  }
  return undefined;
}

const BATCHES = { maxRecords: 20_000, maxBytes: 32 << 20 };

function firstMissing(reader: LogReader, range: OffsetRange, counted: ReadonlySet<number>, held: ReadonlySet<number>): number | undefined {
  for (let at = range.from; at < range.to; ) {
    const batches = reader.read('quarantine', range.partition, at, BATCHES);
    if (batches.length === 0) return undefined;
    for (const batch of batches) {
      if (batch.baseOffset >= range.to) return undefined;
      let missing = !counted.has(batch.baseOffset);
      forEachRecord(batch, (offset, bytes, start, end) => {
        const { kind } = JSON.parse(bytes.toString('utf8', start, end)) as QuarantineRecord;
        if (kind !== 'tally' && !held.has(offset)) missing = true;
      });
      if (missing) return batch.baseOffset;
      at = batch.baseOffset + batch.count;
    }
  }
  return undefined;
}
