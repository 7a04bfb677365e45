/** What the statement of an experiment tells, variant by variant. */
import { averageOf } from '../../measures/decimal.ts';
import { QuestionError } from '../../question/problem.ts';
import type { Sample } from '../../statistics/means.ts';
import type { Proportion } from '../../statistics/proportions.ts';
import { MAX_VARIANTS, type Question } from './question.ts';

const DEFAULT_CONTROL = 'control';

/** A row of `sumsSql`; see there. */
export interface SumsRow {
  [column: string]: unknown;
  is_all: number;
  place: number;
  variant: string;
  users: number;
}

/** The control among the variants that were seen (rule X3); undefined = there are none, and none was named. */
export function controlOf({ control }: Question, seen: readonly string[]): string | undefined {
  return control ?? (seen.includes(DEFAULT_CONTROL) ? DEFAULT_CONTROL : seen.toSorted(byBytes)[0]);
}

/** The variants as they are shown: the control first. Throws a QuestionError when they are too many. */
export function variantsOf(question: Question, seen: readonly string[]): string[] {
  const control = controlOf(question, seen);
  const variants = [...(control === undefined ? [] : [control]), ...seen.filter((variant) => variant !== control).toSorted(byBytes)];
  if (variants.length <= MAX_VARIANTS) return variants;
  throw new QuestionError({
    code: 'too_many_variants', field: 'variant', value: question.variant ?? 'properties.variant', rule: `at most ${MAX_VARIANTS} variants`,
    detail: `There are more than ${MAX_VARIANTS} variants; name the property that holds the variant, or select exposures by exposure.where.`,
  });
}

/** Who did something of metric i, of how many. */
export function proportionOf(row: SumsRow | undefined, i: number): Proportion {
  return { x: Number(row?.[`n${i}`] ?? 0), n: Number(row?.users ?? 0) };
}

/** The people's values of metric i. */
export function sampleOf(row: SumsRow | undefined, i: number): Sample {
  const n = Number(row?.users ?? 0);
  const sum = row?.[`t${i}`];
  const mean = averageOf(typeof sum === 'string' ? sum : '0', Number(row?.[`g${i}`] ?? 0), n);
  // JSON has no infinity: null where squares are beyond the doubles.
  const squares = row?.[`s${i}`] ?? null;
  return { n, mean, standardDeviation: n < 2 || squares === null ? null : Math.sqrt(Number(squares) / (n - 1)) };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
