/** Tests of several groups at once. */
import { chiSquareTail } from './distributions.ts';

/** Pearson's chi-square of counts against the shares that were meant (above 0, adding up to 1). */
export function pearsonTest(counts: readonly number[], shares: readonly number[]): { chiSquare: number; pValue: number } {
  const total = counts.reduce((sum, n) => sum + n, 0);
  if (total === 0 || counts.length < 2) return { chiSquare: 0, pValue: 1 };
  const chiSquare = counts.reduce((sum, n, i) => sum + (n - total * shares[i]!) ** 2 / (total * shares[i]!), 0);
  return { chiSquare, pValue: chiSquareTail(chiSquare, counts.length - 1) };
}

/** The p-values as their family is judged (Holm, Scandinavian Journal of Statistics 6:65, 1979); null = no test, no member of the family. */
export function holm(pValues: readonly (number | null)[]): (number | null)[] {
  const tested = [...pValues.keys()].filter((i) => pValues[i] !== null).toSorted((a, b) => pValues[a]! - pValues[b]!);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let least = 0;
  for (const [rank, i] of tested.entries()) adjusted[i] = least = Math.max(least, Math.min(1, (tested.length - rank) * pValues[i]!));
  return adjusted;
}
