/** How many go all the way, and where the others leave. */
import { timeLiteral } from '@tidemark/warehouse';
import Type, { type Static } from 'typebox';
import type { Asking, Kind } from '../ask.ts';
import { groupColumns, groupLabels, groupOrder, sameGroup, type GroupKey } from '../breakdown.ts';
import { durationMs } from '../duration.ts';
import { eventsSql, namedSql } from '../events.ts';
import { chainSql } from '../chain.ts';
import { ACTOR_COLUMNS } from '../person.ts';
import { QuestionError } from '../problem.ts';
import { propertySql } from '../property.ts';
import { LATEST_MS } from '../range.ts';
import { BREAKDOWN, COMMON, Duration, EventNames, PropertyName, Where } from '../schema.ts';
import { whereSql } from '../where.ts';

const MAX_STEPS = 20;

const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    steps: Type.Array(
      Type.Object({ event: Type.Optional(EventNames), where: Type.Optional(Where), label: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }, { additionalProperties: false }),
      { minItems: 1, maxItems: MAX_STEPS, description: `1 to ${MAX_STEPS} steps` },
    ),
    window: Type.Optional(Duration),
    order: Type.Optional(Type.Enum(['ordered', 'strict', 'any'], { description: 'one of ordered, strict, any' })),
    exclude: Type.Optional(
      Type.Array(
        Type.Object(
          { event: EventNames, where: Type.Optional(Where), after: Type.Optional(Type.Integer({ minimum: 1 })), before: Type.Optional(Type.Integer({ minimum: 2 })) },
          { additionalProperties: false },
        ),
        { maxItems: 10 },
      ),
    ),
    hold: Type.Optional(Type.Array(PropertyName, { maxItems: 3, uniqueItems: true, description: 'up to 3 properties' })),
  },
  { additionalProperties: false },
);
type Question = Static<typeof Question>;

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
  const { breakdown = [], limit = 10 } = question;
  const steps = question.steps.length;
  const keys = breakdown.map((_, i) => `k${i}`);
  const people = chainSql({
    project: asking.project,
    rows: matchingEvents(question, asking),
    steps,
    windowMs: windowOf(question),
    isStrict: question.order === 'strict',
    servedBy: servedBy(question),
    keys,
    hold: holdNames(question),
  });
  const rows = await asking.query<Record<string, unknown>>(countedSql(people, steps, keys, limit));
  const of = (group: GroupKey | undefined): Step[] => {
    const row = rows.find((each) => (group === undefined ? Number(each['is_all']) === 1 : Number(each['is_all']) === 0 && sameGroup(keys.map((key) => String(each[key]))) === sameGroup(group)));
    return question.steps.map((step, i) => stepOf(step, i, row));
  };
  const groups = rows.filter((row) => Number(row['is_all']) === 0).map((row) => ({ rank: Number(row['rank']), group: keys.map((key) => String(row[key])) }));
  const kept = groups.filter(({ rank }) => rank <= limit).toSorted((a, b) => a.rank - b.rank).map(({ group }) => group);
  const present = new Set(groups.map(({ group }) => sameGroup(group)));
  const shown = breakdown.length === 0 ? [] : groupOrder(kept, breakdown.length).filter((group) => present.has(sameGroup(group)));
  return { steps: of(undefined), breakdowns: shown.map((group) => ({ breakdown: groupLabels(group), steps: of(group) })) };
}

function refuseWhatIsToCome({ order, exclude = [] }: Question): void {
  const [field, value] = order === 'any' ? ['order', order] : ['exclude', exclude];
  if (field === 'exclude' && exclude.length === 0) return;
  throw new QuestionError({
    code: 'unsupported_combination', field, value, rule: 'order is ordered or strict, without exclude',
    detail: `${field === 'order' ? 'The order any' : 'exclude'} can't be asked for yet: ordered and strict funnels are answered, without exclusions.`,
  });
}

/** See `ChainQuery.servedBy`: known when any two steps ask for the same events, without more conditions, or for none in common. */
function servedBy({ steps }: Question): number[] | undefined {
  const masks: number[] = [];
  for (const [k, step] of steps.entries()) {
    let mask = 0;
    for (const [i, other] of steps.entries()) {
      const isSame = i === k || (isPlain(step) && isPlain(other) && namesOf(step) === namesOf(other));
      if (!isSame && haveCommonName(step, other)) return undefined;
      if (isSame) mask += 2 ** i;
    }
    masks.push(mask);
  }
  return masks;
}

type AskedStep = Question['steps'][number];

function isPlain({ event, where = [] }: AskedStep): boolean {
  return event !== undefined && where.length === 0;
}

function namesOf({ event }: AskedStep): string {
  return JSON.stringify([event].flat().toSorted((a, b) => (a === undefined || b === undefined || a < b ? -1 : 1)));
}

function haveCommonName(a: AskedStep, b: AskedStep): boolean {
  return a.event === undefined || b.event === undefined || [a.event].flat().some((name) => [b.event].flat().includes(name));
}

function holdNames({ hold = [] }: Question): string[] {
  return hold.map((_, i) => `h${i}`);
}

function windowOf({ window = '30d' }: Question): number {
  const ms = durationMs(window);
  if (ms === undefined) throw new QuestionError({ code: 'invalid_value', field: 'window', value: window, rule: '1s to 366d', detail: 'window must be a duration from 1s to 366d.' });
  return ms;
}

/**
 * SELECT of the events that match some step, with `mask`: bit i is set when the event may serve step i + 1. Step 1 must lie
 * in the range, the others may follow until the last window ends. In strict order all events are needed: any of them
 * comes between. An event whose held property is unset takes no part.
 */
function matchingEvents(question: Question, { project, range }: Asking): string {
  const { fromMs, toMs } = range;
  const named = question.steps.map(({ event }) => event);
  const names = question.order !== 'strict' && named.every((event) => event !== undefined) ? [...new Set(named.flat())] : undefined;
  const bits = question.steps.map((step, i) => {
    const conditions = [
      ...(step.event === undefined ? [] : [namedSql(step.event)]),
      whereSql(step.where, 'events', `steps[${i}].where`),
      ...(i === 0 ? [`time < ${timeLiteral(toMs)}`] : []),
    ].filter((sql) => sql !== '1');
    return `if(${conditions.length === 0 ? '1' : conditions.join(' AND ')}, ${2 ** i}, 0)`;
  });
  const held = (question.hold ?? []).map((name, i) => propertySql(name, 'events', `hold[${i}]`).text);
  const columns = [
    ACTOR_COLUMNS,
    `toUInt64(toUnixTimestamp64Milli(time) - ${fromMs} + 1) AS at`,
    'sequence',
    'event_id',
    `toUInt32(${bits.join(' + ')}) AS mask`,
    ...groupColumns(question.breakdown ?? [], 'events', 'breakdown'),
    ...held.map((text, i) => `${text} AS h${i}`),
  ];
  const endMs = Math.min(toMs + windowOf(question), LATEST_MS);
  const rows = eventsSql({ project, fromMs, toMs: endMs, events: names, includeBots: question.includeBots ?? false, where: [[question.where, 'where']], columns });
  return held.length === 0 ? rows : `SELECT * FROM (${rows}) WHERE ${held.map((_, i) => `h${i} IS NOT NULL`).join(' AND ')}`;
}

/** Counts people and times per step: over all (is_all = 1), and for each kept group, the rest and the unset. */
function countedSql(people: string, steps: number, keys: readonly string[], limit: number): string {
  const names = Array.from({ length: steps }, (_, i) => i + 1);
  const states = names.flatMap((k) => [
    `countIfState(reached >= ${k}) AS n${k}`,
    `quantilesExactInclusiveIfState(0.5, 0.9)((times[${k}] - times[${Math.max(k - 1, 1)}]) / 1000, reached >= ${k}) AS p${k}`,
    `quantilesExactInclusiveIfState(0.5, 0.9)((times[${k}] - times[1]) / 1000, reached >= ${k}) AS s${k}`,
  ]);
  const merged = names.flatMap((k) => [`countIfMerge(n${k}) AS n${k}`, `quantilesExactInclusiveIfMerge(0.5, 0.9)(p${k}) AS p${k}`, `quantilesExactInclusiveIfMerge(0.5, 0.9)(s${k}) AS s${k}`]);
  if (keys.length === 0) return `SELECT 1 AS is_all, 0 AS rank, ${finalize(states)} FROM (${people})`;
  const unset = keys.map((key) => `${key} = '-'`).join(' AND ');
  const shown = keys.map((key) => `if(place <= ${limit} OR is_unset, ${key}, '+') AS ${key}`);
  return `SELECT grouping(${keys[0] ?? ''}) AS is_all, if(is_all = 1, 0, min(place)) AS rank, ${keys.join(', ')}, ${merged.join(', ')}
FROM (
  SELECT place, ${shown.join(', ')}, ${names.flatMap((k) => [`n${k}`, `p${k}`, `s${k}`]).join(', ')}
  FROM (
    SELECT *, if(is_unset, ${2 ** 31}, row_number() OVER (PARTITION BY is_unset ORDER BY finalizeAggregation(n1) DESC, ${keys.join(', ')})) AS place
    FROM (SELECT ${keys.join(', ')}, (${unset}) AS is_unset, ${states.join(', ')} FROM (${people}) GROUP BY ${keys.join(', ')})
  )
)
GROUP BY GROUPING SETS ((${keys.join(', ')}), ())`;
}

function finalize(states: readonly string[]): string {
  return states.map((state) => state.replace('IfState(', 'If(')).join(', ');
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

