/** A metric of an experiment: each variant's figures, and against the control's (rules X5, X6, X9). */
import Type, { type Static } from 'typebox';
import { meansSampleSize, ratioInterval, welchTest } from '../../statistics/means.ts';
import { katzInterval, newcombeInterval, proportionsSampleSize, proportionsTest, wilsonInterval, type Interval } from '../../statistics/proportions.ts';
import { rounded, roundedInterval } from '../../statistics/rounding.ts';
import { effectOf, rolesOf, valueOf, type Question, type Role } from './question.ts';
import { proportionOf, sampleOf, type SumsRow } from './rows.ts';

const MaybeNumber = Type.Union([Type.Number(), Type.Null()]);
const MaybeInterval = Type.Union([Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }), Type.Null()], { description: '95 %; null = there is none' });

const VariantFigures = Type.Object({
  variant: Type.String(),
  users: Type.Integer({ description: 'people exposed to it' }),
  converted: Type.Optional(Type.Integer({ description: 'of a conversion: people with such an event after their exposure' })),
  rate: Type.Optional(Type.Number()),
  interval: Type.Optional(MaybeInterval),
  mean: Type.Optional(Type.Number({ description: 'of a value: over all exposed' })),
  standardDeviation: Type.Optional(MaybeNumber),
  difference: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'from the control; not in the control itself' })),
  differenceInterval: Type.Optional(MaybeInterval),
  lift: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'relative change from the control' })),
  liftInterval: Type.Optional(MaybeInterval),
  pValue: Type.Optional(Type.Union([Type.Number(), Type.Null()], { description: 'two-sided, not adjusted' })),
});
type VariantFigures = Static<typeof VariantFigures>;

export const MetricFigures = Type.Object({
  metric: Type.String(),
  role: Type.Enum(['primary', 'secondary', 'guardrail']),
  requiredSampleSize: Type.Union([Type.Integer(), Type.Null()], { description: 'people a variant, to see minimumEffect with a power of 80 %' }),
  variants: Type.Array(VariantFigures, { description: 'the control first' }),
});
type MetricFigures = Static<typeof MetricFigures>;

interface Comparison {
  difference: number;
  differenceInterval: Interval | null;
  lift: number | null;
  liftInterval: Interval | null;
  pValue: number | null;
}

/** A variant against the control by one metric, unrounded. */
interface Judged {
  /** -1 = worse, 1 = better, 0 = neither, or not to be told. */
  direction: number;
  pValue: number | null;
}

/** The figures of each metric, variants in their order, from the rows of one group. */
export function metricsOf(question: Question, variants: readonly string[], rows: readonly SumsRow[]): MetricFigures[] {
  const roles = rolesOf(question);
  const rowOf = rowsByVariant(rows);
  const [control] = variants;
  return question.metrics.map((metric, i) => ({
    metric: metric.label ?? (metric.event === undefined ? 'Any event' : [metric.event].flat().join(', ')),
    role: roles[i] as Role,
    requiredSampleSize: requiredSampleSize(question, i, rowOf.get(control ?? '')),
    variants: variants.map((variant) => {
      const row = rowOf.get(variant);
      const against = variant === control ? undefined : compare(question, i, rowOf.get(control ?? ''), row);
      return { variant, users: Number(row?.users ?? 0), ...alone(question, i, row), ...(variant !== control && compared(against)) };
    }),
  }));
}

/** How each variant but the control does by metric i. */
export function judge(question: Question, i: number, variants: readonly string[], rows: readonly SumsRow[]): Judged[] {
  const rowOf = rowsByVariant(rows);
  const sign = question.metrics[i]?.better === 'lower' ? -1 : 1;
  return variants.slice(1).map((variant) => {
    const against = compare(question, i, rowOf.get(variants[0]!), rowOf.get(variant));
    return { direction: sign * Math.sign(against?.difference ?? 0), pValue: against?.pValue ?? null };
  });
}

function rowsByVariant(rows: readonly SumsRow[]): Map<string, SumsRow> {
  return new Map(rows.map((row) => [row.variant, row]));
}

function alone({ metrics }: Question, i: number, row: SumsRow | undefined): Partial<VariantFigures> {
  if (valueOf(metrics[i]!) === undefined) {
    const people = proportionOf(row, i);
    return { converted: people.x, rate: rounded(people.n === 0 ? 0 : people.x / people.n) ?? 0, interval: roundedInterval(wilsonInterval(people)) };
  }
  const { mean, standardDeviation } = sampleOf(row, i);
  return { mean: rounded(mean) ?? 0, standardDeviation: rounded(standardDeviation) };
}

function compare({ metrics }: Question, i: number, control: SumsRow | undefined, row: SumsRow | undefined): Comparison | undefined {
  if (!control || !row) return undefined;
  if (valueOf(metrics[i]!) === undefined) {
    const [first, second] = [proportionOf(control, i), proportionOf(row, i)];
    const [p1, p2] = [first.x / first.n, second.x / second.n];
    return {
      difference: p2 - p1, differenceInterval: newcombeInterval(first, second), lift: p1 === 0 ? null : p2 / p1 - 1,
      liftInterval: katzInterval(first, second), pValue: proportionsTest(first, second),
    };
  }
  const [first, second] = [sampleOf(control, i), sampleOf(row, i)];
  const test = welchTest(first, second);
  return {
    difference: second.mean - first.mean, differenceInterval: test?.interval ?? null, lift: first.mean === 0 ? null : second.mean / first.mean - 1,
    liftInterval: ratioInterval(first, second), pValue: test?.pValue ?? null,
  };
}

function compared(found: Comparison | undefined): Partial<VariantFigures> {
  const { difference, differenceInterval = null, lift, liftInterval = null, pValue } = found ?? {};
  return {
    difference: rounded(difference), differenceInterval: roundedInterval(differenceInterval), lift: rounded(lift), liftInterval: roundedInterval(liftInterval), pValue: rounded(pValue),
  };
}

function requiredSampleSize(question: Question, i: number, control: SumsRow | undefined): number | null {
  const effect = effectOf(question);
  const { x, n } = proportionOf(control, i);
  const rate = n === 0 ? 0 : x / n;
  const size = valueOf(question.metrics[i]!) === undefined ? proportionsSampleSize(rate, rate * (1 + effect)) : meansSampleSize(sampleOf(control, i), effect);
  return size === null || !Number.isFinite(size) ? null : Math.ceil(size);
}
