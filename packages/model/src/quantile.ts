/** The value of rank 1 + (n - 1) * level among n sorted numbers, between its two neighbours where that is no whole one. */
export function quantile(sorted: readonly number[], level: number): number {
  const rank = 1 + (sorted.length - 1) * level;
  const place = Math.floor(rank);
  const low = sorted[place - 1] ?? Number.NaN;
  const high = sorted[Math.min(place, sorted.length - 1)] ?? Number.NaN;
  return low + (rank - place) * (high - low);
}
