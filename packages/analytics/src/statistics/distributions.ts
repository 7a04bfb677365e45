/** Tails of the distributions that tests are judged by, to about twelve digits. */

/** Two-sided 95 %: the normal quantile of 0.975. */
export const Z95 = 1.959963984540054;
/** The normal quantile of 0.8. */
export const Z80 = 0.8416212335729143;

const PRECISION = 1e-15;
const MAX_TERMS = 10_000;
/** Instead of a zero that would be divided by (Lentz' method). */
const TINY = 1e-300;

/** Chance of a chi-square above `x`, with `df` degrees of freedom (a whole number from 1): the regularized gamma function Q(df/2, x/2). */
export function chiSquareTail(x: number, df: number): number {
  if (x <= 0) return 1;
  const [a, half] = [df / 2, x / 2];
  const front = Math.exp(a * Math.log(half) - half) / gammaOfHalves(df);
  if (half >= a + 1) return front * gammaFraction(a, half);
  // DLMF 8.7.1
  let [term, sum] = [1 / a, 1 / a];
  for (let n = 1; n < MAX_TERMS && term > sum * PRECISION; n++) sum += term *= half / (a + n);
  return 1 - front * sum;
}

/** Chance of a normal deviate further from 0 than `z`, on either side. */
export function normalTails(z: number): number {
  return chiSquareTail(z * z, 1);
}

/** Chance of Student's t further from 0 than `t`, on either side; `df` need not be whole. The incomplete beta function I(df/2, 1/2) (DLMF 8.17). */
export function studentTails(t: number, df: number): number {
  if (t === 0) return 1;
  const a = df / 2;
  // x = df/(df + t²), in forms that lose nothing where df is large.
  const [logX, rest] = [-Math.log1p((t * t) / df), (t * t) / (df + t * t)];
  const front = Math.exp(a * logX + Math.log(rest) / 2 - logBetaOfHalf(a));
  if (1 - rest < (a + 1) / (a + 2.5)) return (front * betaFraction(a, 0.5, 1 - rest)) / a;
  return 1 - (front * betaFraction(0.5, a, rest)) / 0.5;
}

/** Student's t that is exceeded on either side with a chance of 5 %; `df` from 1. */
export function studentQuantile95(df: number): number {
  let [low, high] = [Z95, 12.71];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (studentTails(middle, df) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Γ(n/2) of a whole n. */
function gammaOfHalves(n: number): number {
  let product = n % 2 === 0 ? 1 : Math.sqrt(Math.PI);
  for (let k = n % 2 === 0 ? 2 : 1; k < n; k += 2) product *= k / 2;
  return product;
}

/** ln B(a, 1/2) from Γ(a + 1/2)/Γ(a): by its asymptotic series from 20 on, and by its recurrence below. */
function logBetaOfHalf(a: number): number {
  let [logRatio, at] = [0, a];
  for (; at < 20; at++) logRatio += Math.log(at / (at + 0.5));
  logRatio += Math.log(at) / 2 - 1 / (8 * at) + 1 / (192 * at ** 3) - 1 / (640 * at ** 5) + 17 / (14_336 * at ** 7);
  return Math.log(Math.PI) / 2 - logRatio;
}

/** DLMF 8.9.2 */
function gammaFraction(a: number, x: number): number {
  return 1 / fraction(x + 1 - a, (n) => [n * (a - n), x + 2 * n + 1 - a]);
}

/** DLMF 8.17.22 */
function betaFraction(a: number, b: number, x: number): number {
  const coefficient = (n: number): number => {
    const m = Math.floor(n / 2);
    return n % 2 === 0 ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)) : (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
  };
  return 1 / fraction(1, (n) => [coefficient(n), 1]);
}

/** b₀ + a₁/(b₁ + a₂/(b₂ + …)), by Lentz' method as Thompson and Barnett changed it (J. Comput. Phys. 64:490, 1986). */
function fraction(first: number, next: (n: number) => [a: number, b: number]): number {
  let value = first || TINY;
  let [c, d] = [value, 0];
  for (let n = 1; n < MAX_TERMS; n++) {
    const [a, b] = next(n);
    d = 1 / (b + a * d || TINY);
    c = b + a / c || TINY;
    value *= c * d;
    if (Math.abs(c * d - 1) < PRECISION) break;
  }
  return value;
}
