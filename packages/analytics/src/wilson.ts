/** z of a two-sided interval of 95 %. */
const Z = 1.959963984540054;

/**
 * The 95 % score interval of a share of `successes` among `trials`, without continuity correction, rounded to six significant
 * digits; null of no trials. E. B. Wilson, JASA 22 (1927), 209-212.
 */
export function wilsonInterval(successes: number, trials: number): [low: number, high: number] | null {
  if (trials === 0) return null;
  const p = successes / trials;
  const z2 = Z * Z;
  const middle = p + z2 / (2 * trials);
  const half = Z * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials * trials));
  const bound = (value: number): number => Number(Math.min(1, Math.max(0, value / (1 + z2 / trials))).toPrecision(6));
  // At the ends the half width is the middle's distance: what is left of it is rounding.
  return [successes === 0 ? 0 : bound(middle - half), successes === trials ? 1 : bound(middle + half)];
}
