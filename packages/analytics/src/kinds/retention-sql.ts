/**
 * Retention as SQL. Of each actor, and then of each person, only this is kept of a period: whether (and with which event)
 * they started in it, and whether (and when last) they returned; from these follow the cohorts of a person and the columns
 * in which they came back.
 */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../ask.ts';
import { allUnsetSql, groupColumns, keyNames } from '../breakdown.ts';
import { bucketSql } from '../buckets.ts';
import { eventsSql, selectedSql, type EventSelection } from '../events.ts';
import { ACTOR_COLUMNS, joinIdentity, PERSON_SQL } from '../person.ts';
import { EARLIEST_MS, LATEST_MS } from '../range.ts';
import type { Periods } from './retention-periods.ts';
import type { Question } from './retention-question.ts';

/** The column of the cohort itself: everybody is in it. */
export const OWN = -1;
/** What lies before the range counts as a period of this number. */
const BEFORE = -1;
/**
 * An event's place in its person's order (rule F2), as a text whose bytes are in that order: the least of 1 M texts of this kind in 900,000 groups
 * took a sixth of the time of tuples.
 */
const PLACE = `concat(${['toUnixTimestamp64Milli(time)', 'sequence'].map((number) => `reinterpretAsFixedString(byteSwap(bitXor(reinterpretAsUInt64(${number}), 0x8000000000000000)))`).join(', ')}, event_id)`;

/**
 * SELECT of a row for each person and cohort: person, cohort (its number), the keys k0, … of their start event, and `back`, the
 * distinct columns in which they returned, with OWN; of `on_or_after` only the last column for which they count.
 */
export function cohortMembersSql(question: Question, periods: Periods, asking: Asking): string {
  const { breakdown = [], entry, mode } = question;
  const { columns, span, cohorts } = periods;
  const needs = needsOf(question);
  // A start is (period[, place of the first one[, its keys]]); a return (period[, place of the last one]).
  const keys = keyNames(breakdown.length);
  const ofStart = [...(needs.start ? ['first'] : []), ...(keys.length > 0 ? ['first_keys'] : [])];
  const starts =
    entry === 'recurring'
      ? `arrayJoin(groupArrayIf(tuple(${['period', ...ofStart].join(', ')}), starts))`
      : `tuple(${['minIf(period, starts)', ...ofStart.map((name) => `argMinIf(${name}, period, starts)`)].join(', ')})`;
  const returns = `groupArrayIf(${needs.place ? '(period, last)' : 'tuple(period)'}, returns)`;
  const histories = `SELECT person, ${starts} AS entered, ${returns} AS returned FROM (${personPeriods(question, periods, asking)}) GROUP BY person HAVING max(starts) = 1`;

  const since = `toInt32(r.1) - toInt32(entered.1)`;
  const counts = needs.place ? `(${since} > 0 OR (${since} = 0 AND r.2 >= entered.2))` : `${since} >= 0`;
  const columnOf = `[${columns.flatMap(({ first, end }, i) => Array.from({ length: end - first }, () => i)).join(',')}]`;
  const later = `arrayMap(r -> ${since}, arrayFilter(r -> ${counts}, returned))`;
  const back =
    mode === 'on_or_after'
      ? `arrayDistinct([${OWN}, if(empty(later), ${OWN}, ${columnOf}[least(arrayMax(later), ${span - 1}) + 1])])`
      : `arrayDistinct(arrayPushFront(arrayMap(d -> toInt32(${columnOf}[d + 1]), arrayFilter(d -> d < ${span}, later)), ${OWN}))`;
  return `SELECT person, toInt32(entered.1) AS cohort, ${keys.map((key, i) => `entered.3.${i + 1} AS ${key}, `).join('')}${later} AS later, ${back} AS back
FROM (${histories}) WHERE entered.1 >= 0 AND entered.1 < ${cohorts}`;
}

/**
 * SELECT of the people (n) of each cohort and column, OWN too; with a breakdown of each group that is shown, in k0, k1, … with its
 * `place` (the rest after those shown, the unset last).
 */
export function cellsSql(question: Question, members: string): string {
  const { breakdown = [], limit = 10 } = question;
  const keys = keyNames(breakdown.length);
  const of = keys.length === 0 ? '' : `${keys.join(', ')}, `;
  const counted = `SELECT ${of}cohort, column, count() AS n FROM (${members}) ARRAY JOIN back AS column GROUP BY ${of}cohort, column`;
  if (keys.length === 0) return counted;
  const sized = `SELECT *, ${allUnsetSql(keys.length)} AS is_unset, sum(if(column = ${OWN}, n, 0)) OVER (PARTITION BY ${keys.join(', ')}) AS size FROM (${counted})`;
  const ranked = `SELECT *, if(is_unset, ${limit + 2}, least(dense_rank() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys.join(', ')}), ${limit + 1})) AS place FROM (${sized})`;
  return `SELECT place, ${keys.map((key) => `if(place = ${limit + 1}, '+', ${key}) AS ${key}`).join(', ')}, cohort, column, sum(n) AS n
FROM (${ranked}) GROUP BY place, ${keys.join(', ')}, cohort, column ORDER BY place`;
}

/** What must be known of the first start and the last return in a period, beside that there was one. */
function needsOf({ start, return: back, breakdown = [] }: Question): { start: boolean; place: boolean } {
  // Where start and return ask for the same, the start event is a return.
  const isSame = JSON.stringify([start.event, start.where]) === JSON.stringify([back.event, back.where]);
  return { start: !isSame || breakdown.length > 0, place: !isSame };
}

/** SELECT of person, period, starts and returns (0 or 1), `first` (place and keys of the first start), `last` (place of the last return). */
function personPeriods(question: Question, periods: Periods, asking: Asking): string {
  const needs = needsOf(question);
  const some = (when: boolean, sql: string): string[] => (when ? [sql] : []);
  const keys = keyNames(question.breakdown?.length ?? 0);
  const byActor = [
    'actor_user', 'actor_device', 'period', 'max(is_start) AS started', 'max(is_return) AS came',
    ...some(needs.start, 'minIf(place, is_start) AS first_start'), ...some(keys.length > 0, `argMinIf(tuple(${keys.join(', ')}), place, is_start) AS start_keys`),
    ...some(needs.place, 'maxIf(place, is_return) AS last_return'),
  ];
  const inRange = `SELECT ${byActor.join(', ')} FROM (${rangeEvents(question, periods, asking)}) WHERE is_start OR is_return GROUP BY actor_user, actor_device, period`;
  const actors = question.entry === 'recurring' ? inRange : `${inRange} UNION ALL ${earlierActors(question, asking)}`;
  const byPerson = [
    `${PERSON_SQL} AS person`, 'period', 'max(started) AS starts', 'max(came) AS returns',
    ...some(needs.start, 'minIf(first_start, started) AS first'), ...some(keys.length > 0, 'argMinIf(start_keys, first_start, started) AS first_keys'), ...some(needs.place, 'maxIf(last_return, came) AS last'),
  ];
  return `SELECT ${byPerson.join(', ')} FROM (${actors}) AS actors ${joinIdentity(asking.identity)} GROUP BY person, period`;
}

/** SELECT of the events from the range's start on: which are starts, which returns, in which period. */
function rangeEvents(question: Question, periods: Periods, { project, range, nowMs }: Asking): string {
  const { start, return: back, breakdown = [] } = question;
  const { fromMs, toMs } = range;
  const { starts, cohorts, span } = periods;
  // What happens right now has happened.
  const returnsEndMs = Math.min(nowMs + 1, question.mode === 'on_or_after' ? LATEST_MS : starts[cohorts + span - 1]!);
  const named = start.event === undefined || back.event === undefined ? undefined : [...new Set([start.event, back.event].flat())];
  const selection: EventSelection = { project, fromMs, toMs: Math.max(toMs, returnsEndMs), events: named, includeBots: question.includeBots ?? false, where: [[question.where, 'where']], columns: [] };
  const is = (selector: Question['start'], field: string): string => selectedSql({ ...selection, events: selector.event, where: [[selector.where, `${field}.where`]] });
  const needs = needsOf(question);
  const columns = [
    ACTOR_COLUMNS,
    `${periodSql(starts)} AS period`,
    `toUInt8(time < ${timeLiteral(toMs)} AND ${is(start, 'start')}) AS is_start`,
    `toUInt8(time < ${timeLiteral(returnsEndMs)} AND ${is(back, 'return')}) AS is_return`,
    ...(needs.start ? [`${PLACE} AS place`] : []),
    ...groupColumns(breakdown, 'events', 'breakdown'),
  ];
  return eventsSql({ ...selection, columns });
}

/** SELECT of the actors who started before the range, as rows of a period BEFORE it: they start in no cohort. */
function earlierActors(question: Question, { project, range }: Asking): string {
  const { start, where, breakdown = [], includeBots = false } = question;
  const events = eventsSql({
    project, fromMs: EARLIEST_MS, toMs: range.fromMs, events: start.event, includeBots, columns: [ACTOR_COLUMNS],
    where: [[where, 'where'], [start.where, 'start.where']],
  });
  const needs = needsOf(question);
  const values = [BEFORE, 1, 0, ...(needs.start ? [`''`] : []), ...(breakdown.length > 0 ? [`tuple(${breakdown.map(() => `''`).join(', ')})`] : []), ...(needs.place ? [`''`] : [])];
  return `SELECT actor_user, actor_device, ${values.join(', ')} FROM (${events}) GROUP BY actor_user, actor_device`;
}

/** SQL of the number of the period that an event lies in, the first one's being 0; what comes after all is in the last. */
function periodSql(starts: readonly number[]): string {
  const since = starts.map((start) => start - starts[0]!).join(',');
  return `toInt32(transform(${bucketSql('time', starts)}, [${since}], [${[...starts.keys()].join(',')}], ${starts.length - 1}))`;
}
