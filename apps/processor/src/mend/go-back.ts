import { epochAt, type LogReader, type Positions, type Topic } from '@tidemark/log';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { rangesOf } from './doubt.ts';

/**
 * Takes back what is known of the ranges of the topic `events` from `offset` on: their outcomes, which count whole ranges,
 * and a second try may cut them otherwise; and the rows that stores refused, which it will find again. Done at
 * each mending for what lies behind the position, so that a kill in between leaves nothing of them.
 */
export async function withdrawOutcomes(offset: number, reader: LogReader, warehouse: Warehouse): Promise<void> {
  for (const { epoch, partition, from, to } of rangesOf(reader.epochs, 'events', offset, Infinity)) {
    const within = (column: string): string =>
      `epoch = ${literal(epoch)} AND topic = 'events' AND partition = ${partition} AND ${column} >= ${from}${to === Infinity ? '' : ` AND ${column} < ${to}`}`;
    for (const [table, column] of [['outcomes', 'range_start'], ['quarantine', 'offset']] as const) {
      const { rows } = await warehouse.query<{ held: number }>(`SELECT count() AS held FROM ${table} WHERE ${within(column)}`);
      // A mutation writes every part anew, so none is made for nothing.
      if ((rows[0]?.held ?? 0) > 0) await warehouse.command(`DELETE FROM ${table} WHERE ${within(column)} SETTINGS lightweight_deletes_sync = 2`);
    }
  }
}

/** Sets a topic's position back to `offset`. Durable when it resolves. */
export async function setBack(topic: Topic, offset: number, reader: LogReader, positions: Positions): Promise<void> {
  const { name } = epochAt(reader.epochs, topic, offset);
  await positions.set(topic, 0, { epoch: name, offset, metadata: '' });
}
