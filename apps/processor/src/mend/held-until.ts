import type { LogReader, Topic } from '@tidemark/log';
import type { Lake } from '@tidemark/lake';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { rangesOf } from './doubt.ts';

/**
 * The offset behind the last record, from `from` on, of which any store may hold something: up to it whatever is done is
 * done a second time. `from` itself when the stores hold nothing behind it.
 */
export async function heldUntil(topic: Topic, from: number, { reader, warehouse, lake }: { reader: LogReader; warehouse: Warehouse; lake: Lake }): Promise<number> {
  let until = from;
  for (const range of rangesOf(reader.epochs, topic, from, Infinity)) {
    const { epoch, partition } = range;
    const behind = (column: string): string =>
      `epoch = ${literal(epoch)} AND partition = ${partition} AND ${column} >= ${range.from}${range.to === Infinity ? '' : ` AND ${column} < ${range.to}`}`;
    const selects = (topic === 'events' ? ['events', 'timeline', 'event_ids'] : []).map((table) => `SELECT max(offset) + 1 AS until FROM ${table} WHERE ${behind('offset')}`);
    selects.push(`SELECT max(offset) + 1 AS until FROM quarantine WHERE topic = ${literal(topic)} AND ${behind('offset')}`);
    const records = topic === 'events' ? 'sum(events)' : '1';
    selects.push(
      `SELECT max(ends) AS until FROM (SELECT range_start + ${records} AS ends FROM outcomes WHERE topic = ${literal(topic)} AND ${behind('range_start')} GROUP BY range_start)`,
    );
    const { rows } = await warehouse.query<{ until: number }>(`SELECT max(until) AS until FROM (${selects.join(' UNION ALL ')})`);
    until = Math.max(until, rows[0]?.until ?? 0);
    if (topic === 'events') until = Math.max(until, lakeUntil(lake, range));
  }
  return until;
}

function lakeUntil(lake: Lake, { epoch, partition, to }: OffsetRange): number {
  let until = 0;
  for (const { ranges } of lake.manifest.files) {
    for (const held of ranges) if (held.epoch === epoch && held.partition === partition) until = Math.max(until, Math.min(held.to, to));
  }
  return until;
}
