import type { OffsetRange } from '@tidemark/warehouse';

/** Adjacent and repeated ranges become one, so that a file's list stays short. */
export function coalesce(ranges: readonly OffsetRange[]): OffsetRange[] {
  const sorted = ranges.toSorted((a, b) => a.epoch.localeCompare(b.epoch) || a.partition - b.partition || a.from - b.from);
  const merged: OffsetRange[] = [];
  for (const range of sorted) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last.epoch === range.epoch && last.partition === range.partition && range.from <= last.to) {
      last.to = Math.max(last.to, range.to);
    } else merged.push({ ...range });
  }
  return merged;
}
