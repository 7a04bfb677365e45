/** The partitions of `events` and `timeline`: a month each, and all that is older than 2016 in one. What can be replaced at once. */
import { literal } from '../literal.ts';

/** SQL of the partition of a row, as in its tables' definitions (a test compares them). */
export const PARTITION_OF_TIME = "if(time < toDateTime64('2016-01-01 00:00:00', 3, 'UTC'), 0, toYYYYMM(time))";
const FIRST_MONTH_MS = Date.UTC(2016, 0);

/** `202601`; `0` for what is older than 2016. */
export function partitionAt(timeMs: number): string {
  return timeMs < FIRST_MONTH_MS ? '0' : new Date(timeMs).toISOString().slice(0, 7).replace('-', '');
}

/** Event times of a partition, epoch ms, [from, to). */
export function timesOfPartition(partition: string): { fromMs: number; toMs: number } {
  if (partition === '0') return { fromMs: -Infinity, toMs: FIRST_MONTH_MS };
  const [year, month] = [Number(partition.slice(0, 4)), Number(partition.slice(4)) - 1];
  return { fromMs: Date.UTC(year, month), toMs: Date.UTC(year, month + 1) };
}

/** SQL: does a row's time lie in one of `partitions`? */
export function inPartitions(partitions: readonly string[]): string {
  return partitions.length === 0 ? 'false' : `toString(${PARTITION_OF_TIME}) IN (${partitions.map((partition) => literal(partition)).join(', ')})`;
}
