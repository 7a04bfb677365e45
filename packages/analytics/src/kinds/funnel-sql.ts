/** A funnel as SQL: which events may serve which step, their chains, and the people and times of each step. */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../ask.ts';
import { groupColumns, keyNames } from '../breakdown.ts';
import { chainSql } from '../chain.ts';
import { eventsSql, namedSql } from '../events.ts';
import { ACTOR_COLUMNS } from '../person.ts';
import { propertySql } from '../property.ts';
import { LATEST_MS } from '../range.ts';
import { whereSql } from '../where.ts';
import { windowOf, type Question } from './funnel-question.ts';

/**
 * SELECT of the counts (n1, n2, …) and times (p, s: from the step before and from the start; median and p90) of each step:
 * over all people (is_all = 1), and of each group that is shown, in columns k0, k1, … with its `rank`.
 */
export function funnelSql(question: Question, asking: Asking): string {
  const { breakdown = [], hold = [], limit = 10, steps } = question;
  const keys = keyNames(breakdown.length);
  const people = chainSql({
    identity: asking.identity,
    rows: matchingEvents(question, asking),
    steps: steps.length,
    windowMs: windowOf(question),
    isStrict: question.order === 'strict',
    servedBy: servedBy(question),
    keys,
    hold: hold.map((_, i) => `h${i}`),
  });
  return countedSql(people, steps.length, keys, limit);
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
