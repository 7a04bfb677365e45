/** How many go all the way, and where the others leave. */
import Type, { type Static } from 'typebox';
import type { Asking, Kind } from '../ask.ts';
import { groupLabels, keyNames } from '../breakdown.ts';
import { QuestionError } from '../problem.ts';
import { Question } from './funnel-question.ts';
import { funnelSql } from './funnel-sql.ts';

const Seconds = Type.Union([Type.Number(), Type.Null()]);
const Step = Type.Object({
  event: Type.String(),
  users: Type.Integer(),
  fromStart: Type.Number({ description: 'share of the people of step 1' }),
  fromPrevious: Type.Number({ description: 'share of the people of the step before' }),
  dropOff: Type.Integer({ description: 'people of the step before who did not come to this one' }),
  medianSeconds: Type.Union([Type.Number(), Type.Null()], { description: 'from the step before to this one' }),
  p90Seconds: Seconds,
  medianSecondsFromStart: Seconds,
  p90SecondsFromStart: Seconds,
});
type Step = Static<typeof Step>;
const Answer = Type.Object({
  steps: Type.Array(Step),
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), steps: Type.Array(Step) })),
});
type Answer = Static<typeof Answer>;

export const funnel: Kind = { name: 'funnel', summary: 'How many go all the way, and where the others leave.', question: Question, answer: Answer, answerTo };

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  refuseWhatIsToCome(question);
  const rows = await asking.query<Record<string, unknown>>(funnelSql(question, asking));
  const stepsOf = (row: Record<string, unknown> | undefined): Step[] => question.steps.map((step, i) => stepOf(step, i, row));
  const keys = keyNames(question.breakdown?.length ?? 0);
  // The rest ranks after the groups that are shown, and the unset after the rest.
  const groups = rows.filter((row) => Number(row['is_all']) === 0).toSorted((a, b) => Number(a['rank']) - Number(b['rank']));
  return {
    steps: stepsOf(rows.find((row) => Number(row['is_all']) === 1)),
    breakdowns: groups.map((row) => ({ breakdown: groupLabels(keys.map((key) => String(row[key]))), steps: stepsOf(row) })),
  };
}

function refuseWhatIsToCome({ order, exclude = [] }: Question): void {
  const [field, value] = order === 'any' ? ['order', order] : ['exclude', exclude];
  if (field === 'exclude' && exclude.length === 0) return;
  throw new QuestionError({
    code: 'unsupported_combination', field, value, rule: 'order is ordered or strict, without exclude',
    detail: `${field === 'order' ? 'The order any' : 'exclude'} can't be asked for yet: ordered and strict funnels are answered, without exclusions.`,
  });
}

function stepOf(step: Question['steps'][number], i: number, row: Record<string, unknown> | undefined): Step {
  const users = (k: number): number => Number(row?.[`n${k}`] ?? 0);
  const here = users(i + 1);
  const [start, previous] = [users(1), users(Math.max(i, 1))];
  const seconds = (name: string): [number | null, number | null] => {
    const found = i === 0 || here === 0 ? [] : ((row?.[`${name}${i + 1}`] ?? []) as number[]);
    return [found[0] ?? null, found[1] ?? null];
  };
  const [medianSeconds, p90Seconds] = seconds('p');
  const [medianSecondsFromStart, p90SecondsFromStart] = seconds('s');
  return {
    event: step.label ?? (step.event === undefined ? 'Any event' : [step.event].flat().join(', ')),
    users: here,
    fromStart: start === 0 ? 0 : here / start,
    fromPrevious: previous === 0 ? 0 : here / previous,
    dropOff: previous - here,
    medianSeconds,
    p90Seconds,
    medianSecondsFromStart,
    p90SecondsFromStart,
  };
}

