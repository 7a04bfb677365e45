/** Which variant does better, and how surely. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import { groupLabels, keyNames } from '../../events/breakdown.ts';
import { rounded } from '../../statistics/rounding.ts';
import { holm, pearsonTest } from '../../statistics/several.ts';
import type { TimeRange } from '../../time/range.ts';
import { judge, MetricFigures, metricsOf } from './metrics.ts';
import { Cell, peopleOf } from './people.ts';
import { Question, rolesOf, splitOf, windowMsOf } from './question.ts';
import { variantsOf, type SumsRow } from './rows.ts';
import { exposedSql, sumsSql } from './sql.ts';

/** Below this the sizes of the groups are no accident (Fabijan and others, KDD 2019). */
const MISMATCH = 0.001;
const SIGNIFICANT = 0.05;

const Variants = Type.Array(Type.Object({ variant: Type.String(), users: Type.Integer() }), { description: 'people by their first exposure; the control first' });
const HeadlineLine = Type.Object({
  variant: Type.String(),
  result: Type.Enum(['better', 'worse', 'harms_guardrail', 'not_significant']),
  adjustedPValue: Type.Union([Type.Number(), Type.Null()], { description: 'of the primary metric, over the variants (Holm); null = it could not be tested, or there is none' }),
});
const SampleRatio = Type.Object(
  {
    chiSquare: Type.Union([Type.Number(), Type.Null()], { description: 'null = there is somebody where nobody was to be' }),
    pValue: Type.Number(),
    mismatch: Type.Boolean({ description: 'the sizes of the groups are no accident: nothing here is to be trusted' }),
  },
);
const Answer = Type.Object({
  variants: Variants,
  crossovers: Type.Integer({ description: 'people who were exposed to another variant later' }),
  unfinished: Type.Optional(Type.Integer({ description: 'with a window: people whose window has not run out' })),
  sampleRatio: SampleRatio,
  metrics: Type.Array(MetricFigures),
  headline: Type.Union([Type.Array(HeadlineLine), Type.Null()], { description: 'a line for each variant but the control; null = sampleRatio.mismatch' }),
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), variants: Variants, metrics: Type.Array(MetricFigures) })),
});
type Answer = Static<typeof Answer>;

export const experiment: Kind = {
  name: 'experiment', summary: 'Which variant does better, and how surely.', question: Question, answer: Answer, answerTo, reach, people: { cell: Cell, peopleOf },
};

function reach(question: Question, range: TimeRange): Reach {
  return { ...range, aheadMs: windowMsOf(question) ?? 0 };
}

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  // What is wrong with it is told before anything is read.
  const [split, windowMs] = [splitOf(question), windowMsOf(question)];
  rolesOf(question);
  const rows = await asking.query<SumsRow>(sumsSql(question, exposedSql(question, asking)));
  const whole = rows.filter((row) => Number(row.is_all) === 1);
  const variants = variantsOf(question, whole.map(({ variant }) => variant));
  const sum = (column: string): number => whole.reduce((total, row) => total + Number(row[column] ?? 0), 0);
  const sampleRatio = sampleRatioOf(split, whole);
  return {
    variants: sizesOf(variants, whole),
    crossovers: sum('crossed'),
    ...(windowMs !== undefined && { unfinished: sum('unfinished') }),
    sampleRatio,
    metrics: metricsOf(question, variants, whole),
    headline: sampleRatio.mismatch ? null : headlineOf(question, variants, whole),
    breakdowns: groupsOf(question, rows).map(({ key, own }) => ({ breakdown: groupLabels(key), variants: sizesOf(variants, own), metrics: metricsOf(question, variants, own) })),
  };
}

function sizesOf(variants: readonly string[], rows: readonly SumsRow[]): Static<typeof Variants> {
  return variants.map((variant) => ({ variant, users: Number(rows.find((row) => row.variant === variant)?.users ?? 0) }));
}

/** The rows of each group that is shown, in their order. */
function groupsOf({ breakdown = [] }: Question, rows: readonly SumsRow[]): { key: string[]; own: SumsRow[] }[] {
  const keys = keyNames(breakdown.length);
  const groups = new Map<number, { key: string[]; own: SumsRow[] }>();
  for (const row of rows.filter(({ is_all }) => Number(is_all) === 0)) {
    const place = Number(row.place);
    const group = groups.get(place) ?? { key: keys.map((key) => String(row[key])), own: [] };
    group.own.push(row);
    groups.set(place, group);
  }
  return [...groups.values()];
}

/** Of the variants of the split, or of those seen in equal parts (rule X7). */
function sampleRatioOf(split: Map<string, number> | undefined, rows: readonly SumsRow[]): Static<typeof SampleRatio> {
  const users = new Map(rows.map((row) => [row.variant, Number(row.users)]));
  const shares = new Map([...(split ?? new Map([...users.keys()].map((variant) => [variant, 1 / users.size])))].filter(([, share]) => share > 0));
  if ([...users.keys()].some((variant) => !shares.has(variant))) return { chiSquare: null, pValue: 0, mismatch: true };
  const { chiSquare, pValue } = pearsonTest([...shares.keys()].map((variant) => users.get(variant) ?? 0), [...shares.values()]);
  return { chiSquare: rounded(chiSquare), pValue: rounded(pValue) ?? 0, mismatch: pValue < MISMATCH };
}

/** A line for each variant but the control (rule X8). */
function headlineOf(question: Question, variants: readonly string[], rows: readonly SumsRow[]): Static<typeof HeadlineLine>[] {
  const roles = rolesOf(question);
  const judgedOf = (role: string): ReturnType<typeof judge>[] => [...roles.keys()].filter((i) => roles[i] === role).map((i) => judge(question, i, variants, rows));
  const [primary = []] = judgedOf('primary');
  const guardrails = judgedOf('guardrail');
  const adjusted = holm(variants.slice(1).map((_, i) => primary[i]?.pValue ?? null));
  return variants.slice(1).map((variant, i) => {
    const isHarmful = guardrails.some((judged) => judged[i]!.direction < 0 && (judged[i]!.pValue ?? 1) < SIGNIFICANT);
    const isSignificant = (adjusted[i] ?? 1) < SIGNIFICANT;
    const result = isHarmful ? 'harms_guardrail' : !isSignificant ? 'not_significant' : primary[i]!.direction > 0 ? 'better' : 'worse';
    return { variant, result, adjustedPValue: rounded(adjusted[i]) };
  });
}
