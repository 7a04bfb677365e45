/** One row for each person of a funnel: the chain, and what the question asks of it. */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { groupColumns, keyNames } from '../../events/breakdown.ts';
import { bucketSql } from '../../time/buckets.ts';
import { chainSql } from '../../chain/chain.ts';
import { STEP_BITS, type ChainQuery } from '../../chain/query.ts';
import { eventsSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { propertySql } from '../../properties/property.ts';
import { LATEST_MS } from '../../time/range.ts';
import type { FunnelPlan, Outcome } from './plan.ts';
import type { AskedStep, Question } from './question.ts';

/**
 * SELECT of person, t1, t2, … (Int64: ms after the range's start, from 1, of the event of each step; 0 where it was not
 * reached), and where they are asked for k0, k1, … (keys of the group), bucket (start of the chain's point, in ms after the
 * first one), bin (-1 for none) with lo and width of the bins in seconds; and mark of the step `marked`.
 */
export function funnelPeople(question: Question, plan: FunnelPlan, starts: readonly number[] | undefined, asking: Asking, marked?: number): string {
  const { breakdown = [], hold = [] } = question;
  const chain = chainSql({
    ...chainOf(plan, question),
    identity: asking.identity,
    naming: asking.naming,
    rows: matchingEvents(question, plan, asking),
    startsBefore: asking.range.toMs - asking.range.fromMs + 1,
    keys: keyNames(breakdown.length),
    hold: hold.map((_, i) => `h${i}`),
    ...(marked !== undefined && { marked: plan.required.indexOf(marked) + 1 }),
  });
  const placed = [...plan.required, ...plan.optional];
  const columns = [
    'person', ...placed.map((n, i) => `times[${i + 1}] AS t${n}`), ...keyNames(breakdown.length), ...(marked === undefined ? [] : ['mark']),
    ...(starts === undefined ? [] : [`${bucketSql(`fromUnixTimestamp64Milli(times[1] + ${asking.range.fromMs - 1})`, starts)} AS bucket`]),
  ];
  return withBins(plan, `SELECT ${columns.join(', ')} FROM (${chain})`);
}

/**
 * SELECT of `columns` of those of `people` for whom a condition holds. Not by WHERE: the engine would put the condition into the filter within
 * the chain, and there work out whole columns of arrays row by row, and once for each use (people of the second of 5 steps, of 1 M
 * events: 1.7 s of CPU so, 0.7 s in this way; chDB 26.7, 2026-11-22).
 */
export function peopleWhere(people: string, condition: string, columns: readonly string[]): string {
  return `SELECT ${columns.join(', ')} FROM (${people}) ARRAY JOIN if(${condition}, [1], emptyArrayUInt8()) AS holds`;
}

/** SQL that is 1 for the people of an outcome. */
export function cameTo({ reached, missed }: Outcome): string {
  return `t${reached} != 0${missed === undefined ? '' : ` AND t${missed} = 0`}`;
}

/** SELECT of the events that `where` lets in from the range's start on, as far as chains (and, `windows` times, more) may go, with actor columns, at, sequence, event_id, mask and `columns`. */
export function askedEvents(question: Question, plan: FunnelPlan, asking: Asking, select: { names: readonly string[] | undefined; windows: number; columns: readonly string[] }): string {
  const { fromMs, toMs } = asking.range;
  const columns = [
    asking.naming.columns, `toUInt64(toUnixTimestamp64Milli(time) - ${fromMs} + 1) AS at`, 'sequence', 'event_id',
    `toUInt32(${bitsSql(question, plan, asking).join(' + ')}) AS mask`, ...select.columns,
  ];
  return eventsSql({ ...baseOf(question, asking), toMs: Math.min(toMs + select.windows * plan.windowMs, LATEST_MS), events: select.names, columns });
}

function baseOf({ includeBots = false, where }: Question, { project, range: { fromMs, toMs } }: Asking): EventSelection {
  return { project, fromMs, toMs, events: undefined, includeBots, where: [[where, 'where']], columns: [] };
}

/**
 * SELECT of the events that match some step or exclusion, with `mask`. In strict order all events are needed: any of them
 * comes between. An event whose held property is unset takes no part.
 */
function matchingEvents(question: Question, plan: FunnelPlan, asking: Asking): string {
  const named = [...question.steps, ...(question.exclude ?? [])].map(({ event }) => event);
  const names = plan.order !== 'strict' && named.every((event) => event !== undefined) ? [...new Set(named.flat())] : undefined;
  const held = (question.hold ?? []).map((name, i) => propertySql(name, 'events', `hold[${i}]`).text);
  const columns = [...groupColumns(question.breakdown ?? [], 'events', 'breakdown'), ...held.map((text, i) => `${text} AS h${i}`)];
  const rows = askedEvents(question, plan, asking, { names, windows: 1, columns });
  return held.length === 0 ? rows : `SELECT * FROM (${rows}) WHERE ${held.map((_, i) => `h${i} IS NOT NULL`).join(' AND ')}`;
}

/** Bit i is set when the event may serve step i + 1, bit STEP_BITS + i when it matches exclusion i. Step 1 lies in the range, unless any step may come first. */
function bitsSql(question: Question, { order }: FunnelPlan, asking: Asking): string[] {
  const base = baseOf({ ...question, where: [] }, asking);
  const selectors = [
    ...question.steps.map((selector, i) => ({ selector, bit: i, field: `steps[${i}].where`, more: i === 0 && order !== 'any' ? ` AND time < ${timeLiteral(asking.range.toMs)}` : '' })),
    ...(question.exclude ?? []).map((selector, i) => ({ selector, bit: STEP_BITS + i, field: `exclude[${i}].where`, more: '' })),
  ];
  return selectors.map(({ selector, bit, field, more }) => `if(${selectedSql({ ...base, events: selector.event, where: [[selector.where, field]] })}${more}, ${2 ** bit}, 0)`);
}

function chainOf(plan: FunnelPlan, { steps, breakdownFrom = 'start' }: Question): Pick<ChainQuery, 'order' | 'steps' | 'optional' | 'exclude' | 'windowMs' | 'servedBy' | 'keysFrom'> {
  const { order, required, optional, exclude, windowMs } = plan;
  const inChain = (n: number): number => required.indexOf(n) + 1;
  return {
    order, windowMs,
    steps: required.map((n) => n - 1),
    optional: optional.map((n) => ({ bit: n - 1, after: required.filter((other) => other < n).length })),
    exclude: exclude.map(({ after, before }, i) => ({ bit: STEP_BITS + i, after: inChain(after), before: inChain(before) })),
    servedBy: order === 'any' ? steps.map((_, i) => 2 ** i) : servedBy(steps),
    keysFrom: typeof breakdownFrom === 'object' ? inChain(breakdownFrom.step) : ({ start: 1, first_touch: 'first', last_touch: 'last' } as const)[breakdownFrom],
  };
}

/** See `ChainQuery.servedBy`: known when any two steps ask for the same events, without more conditions, or for none in common. */
function servedBy(steps: readonly AskedStep[]): number[] | undefined {
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

function isPlain({ event, where = [] }: AskedStep): boolean {
  return event !== undefined && where.length === 0;
}

function namesOf({ event }: AskedStep): string {
  return JSON.stringify([event].flat().toSorted((a, b) => (a === undefined || b === undefined || a < b ? -1 : 1)));
}

function haveCommonName(a: AskedStep, b: AskedStep): boolean {
  return a.event === undefined || b.event === undefined || [a.event].flat().some((name) => [b.event].flat().includes(name));
}

/** Adds the bin of each person's time from one step to another (rule F13): the bins are the whole's. */
function withBins({ histogram }: FunnelPlan, people: string): string {
  if (histogram === undefined) return people;
  const { from, to, bins } = histogram;
  const timed = `SELECT *, if(t${to} = 0, toInt64(-1), intDiv(t${to} - t${from}, 1000)) AS seconds FROM (${people})`;
  const bounded = `SELECT *, minIf(seconds, seconds >= 0) OVER () AS lo, intDiv(maxIf(seconds, seconds >= 0) OVER () - lo + ${bins}, ${bins}) AS width FROM (${timed})`;
  return `SELECT *, if(seconds < 0, toInt64(-1), intDiv(seconds - lo, width)) AS bin FROM (${bounded})`;
}
