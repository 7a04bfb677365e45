/**
 * When each person started and returned. Of each actor, and then of each person, only this is kept of a period: whether (and with
 * which event) they started in it, and whether (and when last) they returned.
 */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../asking.ts';
import { groupColumns, keyNames } from '../breakdown.ts';
import { bucketSql } from '../buckets.ts';
import { byDoersSql } from '../events-of-doers.ts';
import { eventsSql, selectedSql, type EventSelection } from '../events.ts';
import { EARLIEST_MS, LATEST_MS } from '../range.ts';
import type { Periods } from './retention-periods.ts';
import type { Question } from './retention-question.ts';

/** What lies before the range counts as a period of this number. */
const BEFORE = -1;
/**
 * An event's place in its person's order (rule F2), as a text whose bytes are in that order: the least of 1 M texts of this kind in 900,000 groups
 * took a sixth of the time of tuples.
 */
const PLACE = `concat(${['toUnixTimestamp64Milli(time)', 'sequence'].map((number) => `reinterpretAsFixedString(byteSwap(bitXor(reinterpretAsUInt64(${number}), 0x8000000000000000)))`).join(', ')}, event_id)`;

/**
 * SELECT of a row for each person who started (of `recurring` for each period in which): person, entered (a tuple of the period, the
 * place of its first start and its keys, as far as these must be known), and later: how many periods after it they returned, each once.
 */
export function historiesSql(question: Question, periods: Periods, asking: Asking): string {
  const { start, place } = needsOf(question);
  return place || (start && question.entry === 'recurring') ? historiesByPeriod(question, periods, asking) : plainHistories(question, periods, asking);
}

/** What must be known of the first start and the last return in a period, beside that there was one. */
function needsOf({ start, return: back, breakdown = [] }: Question): { start: boolean; place: boolean } {
  // Where start and return ask for the same, the start event is a return.
  const isSame = JSON.stringify([start.event, start.where]) === JSON.stringify([back.event, back.where]);
  return { start: !isSame || breakdown.length > 0, place: !isSame };
}

/** Where at most the keys of somebody's very first start must be known, beside periods: each event is read once, and no period grouped by. */
function plainHistories(question: Question, periods: Periods, asking: Asking): string {
  const { naming, identity } = asking;
  const isFirst = question.entry !== 'recurring';
  const hasKeys = needsOf(question).start;
  const some = (sql: string): string => (hasKeys ? `, ${sql}` : '');
  const { none, gathered, merged, listedSince } = periods.starts.length < 64 ? MASKS : LISTS;
  const started = isFirst ? `minIf(period, is_start)` : gathered('is_start');
  // Of those who started before the range nothing is read but who they are: properties are dear to read.
  const events = eventsOf(question, periods, asking, isFirst && !hasKeys ? 'ever' : 'range');
  const inRange = `SELECT ${naming.actor}, ${started} AS started, max(is_start) AS starts, ${gathered('is_return')} AS came${some(firstStart(question))} FROM (${events}) GROUP BY ${naming.actor}`;
  const byActor = hasKeys ? `${inRange} UNION ALL ${earlierActors(question, asking, none)}` : inRange;
  const byPerson = `SELECT ${naming.person} AS person, ${isFirst ? 'minIf(started, starts)' : merged('started')} AS first, ${merged('came')} AS back${some('argMinIf(start_keys, first_start, starts) AS first_keys')}
    FROM (${byActor}) AS actors ${naming.join(identity)} GROUP BY person HAVING max(starts) = 1`;
  const entered = isFirst ? 'first' : `arrayJoin(${listedSince('first', '0')})`;
  return `SELECT person, tuple(since${some(`'', first_keys`)}) AS entered, ${listedSince('back', 'since')} AS later FROM (SELECT person, ${entered} AS since, back${some('first_keys')} FROM (${byPerson}))`;
}

/** Sets of periods: gathered of events, merged of sets, and listed as Array(Int32) of how many periods after one the others come. */
interface PeriodSets {
  none: string;
  gathered(condition: string): string;
  merged(sets: string): string;
  listedSince(set: string, period: string): string;
}

/** A bit a period, of at most 64 with BEFORE: weeks of 1.3 M events of 320,000 actors took 0.43 s of CPU in all, as lists 0.55 (chDB 26.7, 2026-11-22). */
const MASKS: PeriodSets = {
  none: '0',
  gathered: (condition) => `groupBitOr(bitShiftLeft(toUInt64(${condition}), period - (${BEFORE})))`,
  merged: (sets) => `groupBitOr(${sets})`,
  listedSince: (set, period) => `arrayMap(bit -> toInt32(bit), bitPositionsToArray(bitShiftRight(${set}, ${period} - (${BEFORE}))))`,
};
const LISTS: PeriodSets = {
  none: '[]',
  gathered: (condition) => `groupUniqArrayIf(period, ${condition})`,
  merged: (sets) => `groupUniqArrayArray(${sets})`,
  listedSince: (set, period) => `arrayFilter(d -> d >= 0, arrayMap(p -> toInt32(p - ${period}), ${set}))`,
};

/** The same, with places and keys: of each period the first start and the last return. */
function historiesByPeriod(question: Question, periods: Periods, asking: Asking): string {
  const needs = needsOf(question);
  const ofStart = ['first', ...(question.breakdown?.length ? ['first_keys'] : [])];
  const starts =
    question.entry === 'recurring'
      ? `arrayJoin(groupArrayIf(tuple(${['period', ...ofStart].join(', ')}), starts))`
      : `tuple(${['minIf(period, starts)', ...ofStart.map((name) => `argMinIf(${name}, period, starts)`)].join(', ')})`;
  // A return is (period[, place of the last one]).
  const returns = `groupArrayIf(${needs.place ? '(period, last)' : 'tuple(period)'}, returns)`;
  const since = 'toInt32(r.1 - entered.1)';
  const counts = needs.place ? `(${since} > 0 OR (${since} = 0 AND r.2 >= entered.2))` : `${since} >= 0`;
  return `SELECT person, ${starts} AS entered, arrayMap(r -> ${since}, arrayFilter(r -> ${counts}, ${returns})) AS later
    FROM (${personPeriods(question, periods, asking)}) GROUP BY person HAVING max(starts) = 1`;
}

/** SELECT of person, period, starts and returns (0 or 1), `first` (place and keys of the first start), `last` (place of the last return). */
function personPeriods(question: Question, periods: Periods, asking: Asking): string {
  const { naming, identity } = asking;
  const hasKeys = (question.breakdown ?? []).length > 0;
  const some = (when: boolean, sql: string): string[] => (when ? [sql] : []);
  const { place } = needsOf(question);
  const byActor = [naming.actor, 'period', 'max(is_start) AS started', 'max(is_return) AS came', firstStart(question), ...some(place, 'maxIf(place, is_return) AS last_return')];
  const inRange = `SELECT ${byActor.join(', ')} FROM (${eventsOf(question, periods, asking, 'range')}) WHERE is_start OR is_return GROUP BY ${naming.actor}, period`;
  const actors = question.entry === 'recurring' ? inRange : `${inRange} UNION ALL ${earlierActors(question, asking, '0')}`;
  const byPerson = [
    `${naming.person} AS person`, 'period', 'max(started) AS starts', 'max(came) AS returns', 'minIf(first_start, started) AS first',
    ...some(hasKeys, 'argMinIf(start_keys, first_start, started) AS first_keys'), ...some(place, 'maxIf(last_return, came) AS last'),
  ];
  return `SELECT ${byPerson.join(', ')} FROM (${actors}) AS actors ${naming.join(identity)} GROUP BY person, period`;
}

/** The place of the first start among some events, and its keys. */
function firstStart({ breakdown = [] }: Question): string {
  const keys = keyNames(breakdown.length);
  return `minIf(place, is_start) AS first_start${keys.length === 0 ? '' : `, argMinIf(tuple(${keys.join(', ')}), place, is_start) AS start_keys`}`;
}

/** SELECT of the events since the range's start, or of ever: which are starts, which returns, in which period. */
function eventsOf(question: Question, periods: Periods, { naming, project, identity, range, nowMs }: Asking, since: 'range' | 'ever'): string {
  const { start, return: back, breakdown = [] } = question;
  const { toMs } = range;
  const { starts, cohorts, span } = periods;
  const fromMs = since === 'ever' ? EARLIEST_MS : range.fromMs;
  const [inRange, period] = since === 'ever' ? [`time >= ${timeLiteral(range.fromMs)} AND `, `if(time < ${timeLiteral(range.fromMs)}, toInt32(${BEFORE}), ${periodSql(starts)})`] : ['', periodSql(starts)];
  // What happens right now has happened.
  const returnsEndMs = Math.min(nowMs + 1, question.mode === 'on_or_after' ? LATEST_MS : starts[cohorts + span - 1]!);
  const named = start.event === undefined || back.event === undefined ? undefined : [...new Set([start.event, back.event].flat())];
  const selection: EventSelection = { project, fromMs, toMs: Math.max(toMs, returnsEndMs), events: named, includeBots: question.includeBots ?? false, where: [[question.where, 'where']], columns: [] };
  const is = (selector: Question['start'], field: string): string => selectedSql({ ...selection, events: selector.event, where: [[selector.where, `${field}.where`]] });
  const needs = needsOf(question);
  const columns = [
    naming.columns,
    `${period} AS period`,
    `toUInt8(time < ${timeLiteral(toMs)} AND ${is(start, 'start')}) AS is_start`,
    `toUInt8(${inRange}time < ${timeLiteral(returnsEndMs)} AND ${is(back, 'return')}) AS is_return`,
    ...(needs.start ? [`${PLACE} AS place`] : []),
    ...groupColumns(breakdown, 'events', 'breakdown'),
  ];
  const events = eventsSql({ ...selection, columns });
  return needs.place ? `${events} AND ${byDoersSql({ ...selection, fromMs, toMs, events: start.event }, identity)}` : events;
}

/** SELECT of the actors who started before the range, as rows of a period BEFORE it, in which they came never (`none`): they start in no cohort. */
function earlierActors(question: Question, { naming, project, range }: Asking, none: string): string {
  const { start, where, breakdown = [], includeBots = false } = question;
  const events = eventsSql({
    project, fromMs: EARLIEST_MS, toMs: range.fromMs, events: start.event, includeBots, columns: [naming.columns],
    where: [[where, 'where'], [start.where, 'start.where']],
  });
  const values = [BEFORE, 1, none, `''`, ...(breakdown.length > 0 ? [`tuple(${breakdown.map(() => `''`).join(', ')})`] : []), ...(needsOf(question).place ? [`''`] : [])];
  return `SELECT ${naming.actor}, ${values.join(', ')} FROM (${events}) GROUP BY ${naming.actor}`;
}

/** SQL of the number (Int32) of the period that an event lies in, the first one's being 0; what comes after all is in the last. */
function periodSql(starts: readonly number[]): string {
  const [first, second] = [starts[0]!, starts[1]!];
  const last = starts.length - 1;
  const width = second - first;
  const since = starts.map((start) => start - first);
  if (since.every((ms, i) => ms === i * width)) return `toInt32(least(intDiv(toUnixTimestamp64Milli(time) - ${first}, ${width}), ${last}))`;
  return `toInt32(transform(${bucketSql('time', starts)}, [${since.join(',')}], [${[...starts.keys()].join(',')}], ${last}))`;
}
