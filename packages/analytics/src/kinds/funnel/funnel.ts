/** How many go all the way, and where the others leave. */
import Type, { type Static } from 'typebox';
import type { Asking } from '../../asking/asking.ts';
import type { Reach } from '../../asking/reach.ts';
import type { Kind } from '../../kind.ts';
import type { Span } from '../../cache/stored.ts';
import { LATEST_MS, type TimeRange } from '../../time/range.ts';
import { groupLabels, keyNames } from '../../events/breakdown.ts';
import { wilsonInterval } from '../../statistics/proportions.ts';
import { roundedInterval } from '../../statistics/rounding.ts';
import { formatTime } from '../../time/zone.ts';
import { Cell, peopleOf } from './cells.ts';
import { countedSql } from './counts.ts';
import { listed, nextSql, readNext } from './next.ts';
import { funnelPeople } from './people.ts';
import { planOf, stepBefore, type FunnelPlan } from './plan.ts';
import { Question } from './question.ts';
import { pointStarts } from '../points.ts';

const Seconds = Type.Union([Type.Number(), Type.Null()]);
const Step = Type.Object({
  event: Type.String(),
  optional: Type.Optional(Type.Literal(true)),
  users: Type.Integer(),
  fromStart: Type.Number({ description: 'share of the people of step 1' }),
  fromPrevious: Type.Number({ description: 'share of the people of the step before that is not optional' }),
  dropOff: Type.Integer({ description: 'people of that step who did not come to this one' }),
  medianSeconds: Type.Union([Type.Number(), Type.Null()], { description: 'from that step to this one' }),
  p90Seconds: Seconds,
  medianSecondsFromStart: Seconds,
  p90SecondsFromStart: Seconds,
  interval: Type.Union([Type.Array(Type.Number(), { minItems: 2, maxItems: 2 }), Type.Null()], { description: '95 % of fromStart: low and high; null = nobody did step 1' }),
});
type Step = Static<typeof Step>;
const LINE = {
  steps: Type.Array(Step),
  histogram: Type.Optional(Type.Array(Type.Object({ fromSeconds: Type.Integer(), toSeconds: Type.Integer({ description: 'exclusive' }), users: Type.Integer() }))),
  points: Type.Optional(
    Type.Array(
      Type.Object({
        time: Type.String(),
        users: Type.Integer({ description: 'people who start in the bucket' }),
        converted: Type.Integer({ description: 'of these, who came to the last step' }),
        rate: Type.Number(),
        unfinished: Type.Optional(Type.Literal(true, { description: 'who starts in the bucket may still come to the last step' })),
      }),
    ),
  ),
};
const Answer = Type.Object({
  ...LINE,
  next: Type.Optional(Type.Array(Type.Object({ event: Type.String(), users: Type.Integer() }))),
  breakdowns: Type.Array(Type.Object({ breakdown: Type.Array(Type.String()), ...LINE })),
});
type Answer = Static<typeof Answer>;
type Line = Omit<Answer, 'next' | 'breakdowns'>;
type Row = Record<string, unknown>;

export const funnel: Kind = {
  name: 'funnel', summary: 'How many go all the way, and where the others leave.', question: Question, answer: Answer, answerTo, reads, reach,
  people: { cell: Cell, peopleOf },
};

async function answerTo(question: Question, asking: Asking): Promise<Answer> {
  const plan = planOf(question);
  const { breakdown = [], granularity, limit = 10 } = question;
  const starts = granularity === undefined ? undefined : pointStarts(question, asking.range, 1);
  const people = funnelPeople(question, plan, starts, asking);
  const rows = await asking.query<Row>(countedSql(people, plan, { groups: breakdown.length, limit, hasPoints: starts !== undefined }));
  const whole = rows.find((row) => Number(row['is_all']) === 1);
  const lineOf = (row: Row | undefined): Line => ({
    steps: plan.steps.map((_, i) => stepOf(i + 1, plan, row)),
    ...(plan.histogram && { histogram: binsOf(plan.histogram, whole, row) }),
    ...(starts && { points: pointsOf(starts, plan, row, asking) }),
  });
  const keys = keyNames(breakdown.length);
  const groups = rows.filter((row) => Number(row['is_all']) === 0).toSorted((a, b) => Number(a['rank']) - Number(b['rank']));
  const next = plan.next && listed(await readNext(nextSql(question, plan, plan.next, asking), plan.next.limit, asking));
  return {
    ...lineOf(whole),
    ...(next && { next }),
    breakdowns: groups.map((row) => ({ breakdown: groupLabels(keys.map((key) => String(row[key]))), ...lineOf(row) })),
  };
}

/** What people did next may come a window after the last event of a chain. */
function reads(question: Question, { fromMs, toMs }: TimeRange): Span {
  const { windowMs, next } = planOf(question);
  return { fromMs, toMs: Math.min(toMs + (next === undefined ? 1 : 2) * windowMs, LATEST_MS) };
}

function reach(question: Question, range: TimeRange): Reach {
  return { ...range, aheadMs: reads(question, range).toMs - range.toMs };
}

function stepOf(n: number, plan: FunnelPlan, row: Row | undefined): Step {
  const users = (k: number): number => Number(row?.[`n${k}`] ?? 0);
  const here = users(n);
  const [start, previous] = [users(1), users(stepBefore(n, plan))];
  const seconds = (name: string): [number | null, number | null] => {
    const found = n === 1 || here === 0 ? [] : ((row?.[`${name}${n}`] ?? []) as number[]);
    return [found[0] ?? null, found[1] ?? null];
  };
  const [medianSeconds, p90Seconds] = seconds(stepBefore(n, plan) === 1 ? 's' : 'p');
  const [medianSecondsFromStart, p90SecondsFromStart] = seconds('s');
  return {
    event: nameOf(n, plan),
    ...(plan.optional.includes(n) && { optional: true as const }),
    users: here,
    fromStart: start === 0 ? 0 : here / start,
    fromPrevious: previous === 0 ? 0 : here / previous,
    dropOff: previous - here,
    medianSeconds,
    p90Seconds,
    medianSecondsFromStart,
    p90SecondsFromStart,
    interval: roundedInterval(wilsonInterval({ x: here, n: start })),
  };
}

function nameOf(n: number, { order, steps }: FunnelPlan): string {
  if (order === 'any') return `any ${n} of ${steps.length}`;
  const { label, event } = steps[n - 1] ?? {};
  return label ?? (event === undefined ? 'Any event' : [event].flat().join(', '));
}

/** The bins are the whole's, the people in them the row's. */
function binsOf({ bins }: NonNullable<FunnelPlan['histogram']>, whole: Row | undefined, row: Row | undefined): NonNullable<Line['histogram']> {
  const counts = Array.from({ length: bins }, (_, i) => Number(row?.[`h${i}`] ?? 0));
  const isEmpty = Array.from({ length: bins }, (_, i) => Number(whole?.[`h${i}`] ?? 0)).every((users) => users === 0);
  const [lo, width] = [Number(whole?.['lo'] ?? 0), Number(whole?.['width'] ?? 0)];
  return isEmpty ? [] : counts.map((users, i) => ({ fromSeconds: lo + i * width, toSeconds: lo + (i + 1) * width, users }));
}

function pointsOf(starts: readonly number[], { windowMs }: FunnelPlan, row: Row | undefined, { range, nowMs }: Asking): NonNullable<Line['points']> {
  const [buckets, users, converted] = (row?.['points'] ?? [[], [], []]) as [number[], number[], number[]];
  const places = new Map(buckets.map((bucket, i) => [Number(bucket), i]));
  return starts.map((start, i) => {
    const at = places.get(start - (starts[0] ?? 0)) ?? -1;
    const [here, through] = [Number(users[at] ?? 0), Number(converted[at] ?? 0)];
    const endMs = Math.min(starts[i + 1] ?? range.toMs, range.toMs);
    return {
      time: formatTime(range.zone, start), users: here, converted: through, rate: here === 0 ? 0 : through / here,
      ...(endMs - 1 + windowMs >= nowMs && { unfinished: true as const }),
    };
  });
}
