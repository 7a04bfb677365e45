/** Means of people's values, compared. What too few people, a zero or no spread make impossible is null. */
import { studentQuantile95, studentTails, Z80, Z95 } from './distributions.ts';
import type { Interval } from './proportions.ts';

export interface Sample {
  n: number;
  mean: number;
  /** With n - 1; null = of fewer than two. */
  standardDeviation: number | null;
}

interface Welch {
  t: number;
  df: number;
  pValue: number;
  /** Of m₂ - m₁, 95 %. */
  interval: Interval;
}

/** Welch's t-test (Biometrika 34:28, 1947) of m₂ - m₁, with Satterthwaite's degrees of freedom. */
export function welchTest(first: Sample, second: Sample): Welch | null {
  if (first.standardDeviation === null || second.standardDeviation === null) return null;
  const [v1, v2] = [first.standardDeviation ** 2 / first.n, second.standardDeviation ** 2 / second.n];
  if (!(v1 + v2 > 0)) return null;
  // Shares of the variance: its square would not fit a double where values are huge.
  const [share1, share2] = [v1 / (v1 + v2), v2 / (v1 + v2)];
  const df = 1 / (share1 ** 2 / (first.n - 1) + share2 ** 2 / (second.n - 1));
  const [difference, error] = [second.mean - first.mean, Math.sqrt(v1 + v2)];
  const reach = studentQuantile95(df) * error;
  return { t: difference / error, df, pValue: studentTails(difference / error, df), interval: [difference - reach, difference + reach] };
}

/** Of m₂/m₁ - 1, 95 %, by the delta method (Deng and others, KDD 2018). */
export function ratioInterval(first: Sample, second: Sample): Interval | null {
  if (first.standardDeviation === null || second.standardDeviation === null || first.mean === 0) return null;
  const ratio = second.mean / first.mean;
  const variance = (second.standardDeviation / first.mean) ** 2 / second.n + (ratio * (first.standardDeviation / first.mean)) ** 2 / first.n;
  if (!(variance > 0)) return null;
  return [ratio - 1 - Z95 * Math.sqrt(variance), ratio - 1 + Z95 * Math.sqrt(variance)];
}

/** People in each of two groups that a test at 5 % with a power of 80 % needs to see the mean change by this share of it. */
export function meansSampleSize({ mean, standardDeviation }: Sample, effect: number): number | null {
  if (mean === 0 || !standardDeviation) return null;
  return 2 * ((standardDeviation * (Z95 + Z80)) / (effect * mean)) ** 2;
}
