import type { Epoch, Topic } from '@tidemark/log';
import { literal, positionCondition, type OffsetRange } from '@tidemark/warehouse';

/** Which committed offsets may be missing from a store: all there are, or those from some offset of the log on. */
export type Doubt = 'everything' | { from: Record<Topic, number> };

/** [from, to) of the log's one partition as ranges that lie in one epoch each. */
export function rangesOf(epochs: readonly Epoch[], topic: Topic, from: number, to: number): OffsetRange[] {
  return epochs.flatMap(({ name, from: begins }, index) => {
    const range = { epoch: name, partition: 0, from: Math.max(from, begins[topic]), to: Math.min(to, epochs[index + 1]?.from[topic] ?? Infinity) };
    return range.from < range.to ? [range] : [];
  });
}

/** SQL: is a row with a position committed? What is not is never in doubt: it is to be written anyhow. */
export function committedCondition(epochs: readonly Epoch[], committed: number): string {
  const open = epochs.filter((_, index) => committed < (epochs[index + 1]?.from.events ?? Infinity));
  return `NOT (epoch IN (${open.map(({ name }) => literal(name)).join(', ')}) AND offset >= ${committed})`;
}

/** SQL: does a row with a position lie in one of `ranges`? */
export function anyOf(ranges: readonly OffsetRange[]): string {
  return ranges.length === 0 ? 'false' : `(${ranges.map((range) => `(${positionCondition(range)})`).join(' OR ')})`;
}
