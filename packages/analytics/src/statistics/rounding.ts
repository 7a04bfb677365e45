import type { Interval } from './proportions.ts';

/** To the six significant digits in which statistical figures are shown; null for what no double holds. */
export function rounded(x: number | null | undefined): number | null {
  return x === null || x === undefined || !Number.isFinite(x) ? null : Number(x.toPrecision(6));
}

export function roundedInterval(interval: Interval | null): number[] | null {
  const [low, high] = (interval ?? []).map(rounded);
  return typeof low === 'number' && typeof high === 'number' ? [low, high] : null;
}
