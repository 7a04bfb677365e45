import { continueFrom, type LogReader, type Positions, type Topic } from '@tidemark/log';
import type { Lake } from '@tidemark/lake';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { heldUntil } from './mend/held-until.ts';

export interface StartPosition {
  /** Everything before it is in every store. */
  offset: number;
  /** The intent of a range that was begun; '' when there is none. */
  metadata: string;
  /** True when the position was lost and found again in the stores. */
  recovered: boolean;
  /** Behind `offset`, up to this offset, stores may hold something: what is done there is done a second time. */
  heldUntil: number;
}

export interface StartParts {
  positions: Positions;
  reader: LogReader;
  warehouse: Warehouse;
  lake: Lake;
}

export async function startPosition(topic: Topic, parts: StartParts): Promise<StartPosition> {
  const position = await committedPosition(topic, parts);
  return { ...position, heldUntil: await heldUntil(topic, position.offset, parts) };
}

/**
 * Where a consumer goes on. When its position is lost (a folder restored without it), the stores know: outcomes are the
 * last thing that a range writes, and count each of its records once, so the last range of the log that has them is
 * whole and ends at its start plus their sum. A range behind it may have been begun; its rows are found by offset.
 */
export async function committedPosition(
  topic: Topic,
  { positions, reader, warehouse }: Omit<StartParts, 'lake'>,
): Promise<Omit<StartPosition, 'heldUntil'>> {
  const position = positions.get(topic, 0);
  const offset = position === undefined ? undefined : continueFrom(reader.epochs, topic, position);
  if (position !== undefined && offset !== undefined) {
    // The range that was begun lay in a part of the log that is lost.
    const lost = offset < position.offset;
    return { offset, metadata: lost ? '' : position.metadata, recovered: lost };
  }
  for (const { name: epoch } of reader.epochs.toReversed()) {
    const { rows } = await warehouse.query<{ start: number; events: number }>(
      `SELECT range_start AS start, sum(events) AS events FROM outcomes
       WHERE epoch = ${literal(epoch)} AND topic = ${literal(topic)} AND partition = 0
       GROUP BY range_start ORDER BY range_start DESC LIMIT 1`,
    );
    const last = rows[0];
    if (last === undefined) continue;
    // In the quarantine topic a record may stand for many events, but there a range is a batch and is simply done again.
    const end = topic === 'events' ? last.start + last.events : last.start;
    return { offset: continueFrom(reader.epochs, topic, { epoch, offset: end, metadata: '' })!, metadata: '', recovered: true };
  }
  return { offset: 0, metadata: '', recovered: true };
}
