import { describe, expect, it } from 'vitest';
import { chiSquareTail, normalTails, studentQuantile95, studentTails, Z80, Z95 } from './distributions.ts';
import { meansSampleSize, ratioInterval, welchTest, type Sample } from './means.ts';
import { katzInterval, newcombeInterval, proportionsSampleSize, proportionsTest, wilsonInterval } from './proportions.ts';
import { roundedInterval } from './rounding.ts';
import { holm, pearsonTest } from './several.ts';

function sampleOf(values: readonly number[]): Sample {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return { n: values.length, mean, standardDeviation: Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (values.length - 1)) };
}
const digits = (interval: readonly number[] | null, n: number): number[] => (interval ?? []).map((x) => Number(x.toFixed(n)));

describe('what is printed elsewhere', () => {
  it('is what tables of chi-square, t and the normal distribution say', () => {
    // NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.4: upper critical values at 0.05, 0.01 and 0.001.
    for (const [df, at05, at01, at001] of [[1, 3.841, 6.635, 10.828], [2, 5.991, 9.21, 13.816], [5, 11.07, 15.086, 20.515], [9, 16.919, 21.666, 27.877]] as const) {
      for (const [x, p] of [[at05, 0.05], [at01, 0.01], [at001, 0.001]] as const) expect(chiSquareTail(x, df) / p, `${df} ${p}`).toBeCloseTo(1, 3);
    }
    // The same, 1.3.6.7.2: t at 0.975.
    for (const [df, t] of [[1, 12.706], [2, 4.303], [3, 3.182], [5, 2.571], [10, 2.228], [30, 2.042], [100, 1.984]] as const) expect(studentQuantile95(df)).toBeCloseTo(t, 3);
    expect([normalTails(Z95) / 2, normalTails(Z80) / 2].map((p) => Number(p.toPrecision(12)))).toEqual([0.025, 0.2]);
  });

  it('is what closed forms say, near and far', () => {
    // t with 1 degree of freedom is Cauchy's; with 2, 1 - t/sqrt(2 + t²). Chi-square with 2: exp(-x/2).
    for (const t of [0.001, 0.3, 1, 2, 5, 40, 1e4]) {
      expect(studentTails(t, 1) / ((2 * Math.atan(1 / t)) / Math.PI)).toBeCloseTo(1, 11);
      expect(studentTails(-t, 2) / (2 / (2 + t * t) / (1 + t / Math.sqrt(2 + t * t)))).toBeCloseTo(1, 11);
      if (t < 1_000) expect(chiSquareTail(t, 2) / Math.exp(-t / 2)).toBeCloseTo(1, 11);
      // Ever more degrees of freedom make it normal.
      if (t < 10) expect(studentTails(t, 1e8) / normalTails(t)).toBeCloseTo(1, 5);
    }
    expect(studentQuantile95(1e8)).toBeCloseTo(Z95, 7);
  });

  it('is what Newcombe prints of single shares (Statistics in Medicine 17:857, 1998, table I, method 3)', () => {
    expect(digits(wilsonInterval({ x: 81, n: 263 }), 4)).toEqual([0.2553, 0.3662]);
    expect(digits(wilsonInterval({ x: 15, n: 148 }), 4)).toEqual([0.0624, 0.1605]);
    expect(digits(wilsonInterval({ x: 0, n: 20 }), 4)).toEqual([0, 0.1611]);
    expect(digits(wilsonInterval({ x: 1, n: 29 }), 4)).toEqual([0.0061, 0.1718]);
    expect(roundedInterval(wilsonInterval({ x: 29, n: 29 }))).toEqual([0.88303, 1]);
  });

  it('is what Newcombe prints of differences (Statistics in Medicine 17:873, 1998, table II, method 10)', () => {
    expect(digits(newcombeInterval({ x: 48, n: 80 }, { x: 56, n: 70 }), 4)).toEqual([0.0524, 0.3339]);
    expect(digits(newcombeInterval({ x: 3, n: 10 }, { x: 9, n: 10 }), 4)).toEqual([0.1705, 0.809]);
    expect(digits(newcombeInterval({ x: 0, n: 10 }, { x: 10, n: 10 }), 4)).toEqual([0.6075, 1]);
  });

  it('is what R prints of t.test(extra ~ group, data = sleep)', () => {
    const [first, second] = [[0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2], [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]].map(sampleOf);
    const { t, df, pValue, interval } = welchTest(second!, first!)!;
    expect([t.toFixed(4), df.toFixed(3), pValue.toFixed(5), ...digits(interval, 7)]).toEqual(['-1.8608', '17.776', '0.07939', -3.3654832, 0.2054832]);
  });

  it('is what R prints of power.prop.test(p1 = .50, p2 = .75, power = .90): n = 76.7', () => {
    // qnorm(0.9)
    expect(proportionsSampleSize(0.5, 0.75, 1.2815515655446)?.toFixed(1)).toBe('76.7');
  });

  it('is what statsmodels prints of proportions_ztest([5, 12], [83, 99]): p = 0.159', () => {
    expect(proportionsTest({ x: 5, n: 83 }, { x: 12, n: 99 })?.toFixed(3)).toBe('0.159');
  });

  it('is what the Physicians\' Health Study reports of ulcers: 169 of 11,037 against 138 of 11,034, relative risk 1.22, 0.98 to 1.53 (N Engl J Med 321:129, 1989)', () => {
    expect(digits(katzInterval({ x: 138, n: 11_034 }, { x: 169, n: 11_037 }), 2).map((x) => (1 + x).toFixed(2))).toEqual(['0.98', '1.53']);
  });

  it('has the error that metafor prints of ratios of means: escalc(measure="ROM") of dat.normand1999, 1 to 4 (its test_escalc.R)', () => {
    // Days in hospital: n, mean and deviation of two groups, and the variance of the logarithm of the ratio of their means.
    for (const [one, other, variance] of [
      [[155, 55, 47], [156, 75, 64], 0.0094], [[31, 27, 7], [32, 29, 4], 0.0028], [[75, 64, 17], [71, 119, 29], 0.0018], [[18, 66, 20], [18, 137, 48], 0.0119],
    ] as const) {
      const [second, first] = [one, other].map(([n, mean, standardDeviation]): Sample => ({ n, mean, standardDeviation }));
      const [low, high] = ratioInterval(first!, second!)!;
      const ratio = 1 + (low + high) / 2;
      expect(ratio).toBeCloseTo(second!.mean / first!.mean, 12);
      // By the delta method the error of a ratio is that of its logarithm, times the ratio.
      expect((((high - low) / 2 / Z95 / ratio) ** 2).toFixed(4)).toBe(String(variance));
    }
  });

  it('is what Cohen prints of two means at 5 % and a power of 80 %: 393, 64 and 26 people a group for effects of 0.2, 0.5 and 0.8 (Psychological Bulletin 112:155, 1992, table 2)', () => {
    // His are by Student's t, which asks for one or two more.
    for (const [effect, people] of [[0.2, 393], [0.5, 64], [0.8, 26]] as const) {
      const ours = meansSampleSize({ n: 100, mean: 1, standardDeviation: 1 }, effect)!;
      expect(people - ours, `${effect}`).toBeGreaterThanOrEqual(0);
      expect(people - ours, `${effect}`).toBeLessThan(2);
    }
  });
});

describe('what cannot be told', () => {
  it('is null', () => {
    const [none, nobody, all] = [{ x: 0, n: 5 }, { x: 0, n: 0 }, { x: 5, n: 5 }];
    expect([wilsonInterval(nobody), newcombeInterval(none, nobody), katzInterval(none, all), katzInterval(all, none)]).toEqual([null, null, null, null]);
    expect([proportionsTest(none, none), proportionsTest(all, all), proportionsTest(nobody, { x: 1, n: 2 }), proportionsSampleSize(0, 0.5), proportionsSampleSize(0.9, 1.01)]).toEqual([null, null, null, null, null]);
    const [flat, one] = [{ n: 3, mean: 2, standardDeviation: 0 }, { n: 1, mean: 2, standardDeviation: null }];
    expect([welchTest(flat, flat), welchTest(flat, one), ratioInterval({ ...flat, mean: 0 }, flat), ratioInterval(flat, flat), meansSampleSize(one, 0.1), meansSampleSize(flat, 0.1)]).toEqual([null, null, null, null, null, null]);
  });
});

describe('several at once', () => {
  it('is stepped down as Holm says', () => {
    expect(holm([0.01, 0.04, 0.03, null, 0.005])).toEqual([0.03, 0.06, 0.06, null, 0.02]);
    expect(holm([0.9, 0.8])).toEqual([1, 1]);
    // What stdlib prints of padjust(…, 'holm').
    expect(digits(holm([0.319, 0.201, 0.4, 0.374, 0.113]) as number[], 3)).toEqual([0.957, 0.804, 0.957, 0.957, 0.565]);
    expect(holm([])).toEqual([]);
  });

  it('is Pearson\'s sum', () => {
    // Mendel's peas against 9:3:3:1. R prints of chisq.test(c(315, 108, 101, 32), p = c(9, 3, 3, 1)/16): X-squared = 0.47002, p-value = 0.9254.
    const { chiSquare, pValue } = pearsonTest([315, 108, 101, 32], [9 / 16, 3 / 16, 3 / 16, 1 / 16]);
    expect([chiSquare.toFixed(5), pValue.toFixed(4)]).toEqual(['0.47002', '0.9254']);
    expect(pearsonTest([7], [1])).toEqual({ chiSquare: 0, pValue: 1 });
  });
});
