/** Shares of people, alone and compared. What a zero makes impossible is null. */
import { normalTails, Z80, Z95 } from './distributions.ts';

/** `x` of `n` people. */
export interface Proportion {
  x: number;
  n: number;
}
export type Interval = [low: number, high: number];

/** The 95 % score interval (Wilson, JASA 22:209, 1927), without continuity correction. */
export function wilsonInterval({ x, n }: Proportion): Interval | null {
  if (n === 0) return null;
  const p = x / n;
  const half = Z95 * Math.sqrt((p * (1 - p)) / n + (Z95 * Z95) / (4 * n * n));
  const [middle, scale] = [p + (Z95 * Z95) / (2 * n), 1 + (Z95 * Z95) / n];
  return [x === 0 ? 0 : (middle - half) / scale, x === n ? 1 : (middle + half) / scale];
}

/** Of p₂ - p₁, 95 %: the hybrid score interval (Newcombe, Statistics in Medicine 17:873, 1998, method 10). */
export function newcombeInterval(first: Proportion, second: Proportion): Interval | null {
  const [one, two] = [wilsonInterval(first), wilsonInterval(second)];
  if (one === null || two === null) return null;
  const [p1, p2] = [first.x / first.n, second.x / second.n];
  return [p2 - p1 - Math.hypot(p2 - two[0], one[1] - p1), p2 - p1 + Math.hypot(two[1] - p2, p1 - one[0])];
}

/** Of p₂/p₁ - 1, 95 %, by the logarithm of the ratio (Katz and others, Biometrics 34:469, 1978). */
export function katzInterval(first: Proportion, second: Proportion): Interval | null {
  if (first.x === 0 || second.x === 0) return null;
  const ratio = (second.x / second.n) / (first.x / first.n);
  const spread = Math.exp(Z95 * Math.sqrt(1 / first.x - 1 / first.n + 1 / second.x - 1 / second.n));
  return [ratio / spread - 1, ratio * spread - 1];
}

/** p-value of the two-sided pooled z-test. */
export function proportionsTest(first: Proportion, second: Proportion): number | null {
  const pooled = (first.x + second.x) / (first.n + second.n);
  const variance = pooled * (1 - pooled) * (1 / first.n + 1 / second.n);
  if (!(variance > 0) || first.n === 0 || second.n === 0) return null;
  return normalTails((second.x / second.n - first.x / first.n) / Math.sqrt(variance));
}

/**
 * People in each of two groups that a test at 5 % with a power of 80 % needs to tell p₁ from p₂ (Fleiss, Levin and Paik, Statistical
 * Methods for Rates and Proportions, 2003, chapter 4, without continuity correction); `zPower`: the normal quantile of another power.
 */
export function proportionsSampleSize(p1: number, p2: number, zPower = Z80): number | null {
  if (p1 <= 0 || p2 > 1 || p1 === p2) return null;
  const middle = (p1 + p2) / 2;
  return (Z95 * Math.sqrt(2 * middle * (1 - middle)) + zPower * Math.sqrt(p1 * (1 - p1) + p2 * (1 - p2))) ** 2 / (p2 - p1) ** 2;
}
