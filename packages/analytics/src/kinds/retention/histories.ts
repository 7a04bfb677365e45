/**
 * When each person started and returned. Of each actor, and then of each person, only this is kept of a period: whether (and with
 * which event) they started in it, and whether (and when last) they returned.
 */
import { timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import { groupColumns, keyNames } from '../../events/breakdown.ts';
import { bucketNumberSql } from '../../time/buckets.ts';
import { byDoersSql } from '../../events/events-of-doers.ts';
import { eventsSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { orderedText, placeOfOrderedText } from '../../events/ordered-text.ts';
import { EARLIEST_MS, LATEST_MS } from '../../time/range.ts';
import type { Periods } from './periods.ts';
import type { Question } from './question.ts';

/** What lies before the range counts as a period of this number. */
const BEFORE = -1;
/** What orders an event among its person's but for eventId: (time, sequence) as UInt128, whose least is found five times as fast as that of texts. */
const PLACE = `bitOr(bitShiftLeft(toUInt128(${biased('toUnixTimestamp64Milli(time)')}), 64), toUInt128(${biased('sequence')}))`;

/**
 * SELECT of a row for each person who started (of `recurring` for each period in which): person, since (the period), later: how many
 * periods after it they returned, each once; with a breakdown start_text, the ordered text of their first start event in it with its keys.
 */
export function historiesSql(question: Question, periods: Periods, asking: Asking): string {
  const { keys, place } = needsOf(question);
  return question.entry === 'recurring' && (keys || place) ? historiesByPeriod(question, periods, asking) : plainHistories(question, periods, asking);
}

/** What must be known of a first start beside that there was one: its group; and where start and return ask for different events its place, as returns may come before it. */
function needsOf({ start, return: back, breakdown = [] }: Question): { keys: boolean; place: boolean } {
  return { keys: breakdown.length > 0, place: JSON.stringify([start.event, start.where]) !== JSON.stringify([back.event, back.where]) };
}

/** Where periods need not be grouped by: those of first starts, and all where a start is known to be a return. */
function plainHistories(question: Question, periods: Periods, asking: Asking): string {
  const { naming, identity } = asking;
  const isFirst = question.entry !== 'recurring';
  const { keys, place } = needsOf(question);
  const hasFirst = keys || place;
  const { none, gathered, merged, listedSince } = setsOf(periods);
  const started = isFirst ? 'minIf(period, is_start)' : gathered('is_start');
  // Of those who started before the range nothing is read but who they are: properties are dear to read.
  const events = eventsOf(question, periods, asking, isFirst && !hasFirst ? 'ever' : 'range');
  const byActor = [naming.actor, `${started} AS started`, 'max(is_start) AS starts', `${gathered('is_return')} AS came`, ...some(hasFirst, firstStart(question)), ...some(place, 'groupArrayIf(place, is_return) AS returns')];
  const inRange = `SELECT ${byActor.join(', ')} FROM (${events}) GROUP BY ${naming.actor}`;
  const actors = hasFirst ? `${inRange} UNION ALL ${earlierActors(question, asking, [none, noStart(question), ...some(place, '[]')])}` : inRange;
  const byPerson = [
    `${naming.person} AS person`, `${isFirst ? 'minIf(started, starts)' : merged('started')} AS first`, `${merged('came')} AS back`,
    ...some(hasFirst, 'minIf(first_start, starts) AS start'), ...some(place, 'groupArrayArray(returns) AS returned'),
  ];
  const people = `SELECT ${byPerson.join(', ')} FROM (${actors}) AS actors ${naming.join(identity)} GROUP BY person HAVING max(starts) = 1`;
  const since = isFirst ? 'first' : `arrayJoin(${listedSince('first', '0')})`;
  const entered = `SELECT *, ${since} AS since FROM (${people})`;
  return `SELECT person, since, ${laterSql(question, listedSince('back', 'since'), cameAtOnce(question, periods))} AS later${keys ? ', start AS start_text' : ''} FROM (${entered})`;
}

/** SQL that is 1 for those who returned in the period of their first start, at its moment or after it. */
function cameAtOnce(question: Question, { starts }: Periods): string {
  const ends = starts.slice(1).map((ms) => BigInt(ms) + 2n ** 63n);
  return `arrayExists(x -> x >= ${placeOfStart(question, 'start')} AND bitShiftRight(x, 64) < arrayElement([${ends.join(', ')}], since + 1), returned)`;
}

/** The periods after a start in which somebody returned (`came`, of which 0 is its own): in its own only if `atOnce` holds, where a start is no return. */
function laterSql(question: Question, came: string, atOnce: string): string {
  return needsOf(question).place ? `arrayConcat(if(${atOnce}, [toInt32(0)], []), arrayFilter(d -> d > 0, ${came}))` : came;
}

/** Sets of periods: gathered of events, merged of sets, asked for one, and listed as Array(Int32) of how many periods after one the others come. */
interface PeriodSets {
  none: string;
  gathered(condition: string): string;
  merged(sets: string): string;
  holds(set: string, period: string): string;
  listedSince(set: string, period: string): string;
}

function setsOf({ starts }: Periods): PeriodSets {
  return starts.length < 64 ? MASKS : LISTS;
}

/** A bit a period, of at most 64 with BEFORE: weeks of 1.3 M events of 320,000 actors took 0.43 s of CPU in all, as lists 0.55 (chDB 26.7, 2026-11-22). */
const MASKS: PeriodSets = {
  none: '0',
  gathered: (condition) => `groupBitOr(bitShiftLeft(toUInt64(${condition}), period - (${BEFORE})))`,
  merged: (sets) => `groupBitOr(${sets})`,
  holds: (set, period) => `bitTest(${set}, ${period} - (${BEFORE}))`,
  listedSince: (set, period) => `arrayMap(bit -> toInt32(bit), bitPositionsToArray(bitShiftRight(${set}, ${period} - (${BEFORE}))))`,
};
const LISTS: PeriodSets = {
  none: '[]',
  gathered: (condition) => `groupUniqArrayIf(period, ${condition})`,
  merged: (sets) => `groupUniqArrayArray(${sets})`,
  holds: (set, period) => `has(${set}, ${period})`,
  listedSince: (set, period) => `arrayFilter(d -> d >= 0, arrayMap(p -> toInt32(p - ${period}), ${set}))`,
};

/** Where the first start of each period must be known: of each actor, and then of each person, that and the last return of a period. */
function historiesByPeriod(question: Question, periods: Periods, asking: Asking): string {
  const { naming, identity } = asking;
  const { keys, place } = needsOf(question);
  const { gathered, holds, listedSince } = setsOf(periods);
  const byActor = [naming.actor, 'period', 'max(is_start) AS started', 'max(is_return) AS came', firstStart(question), ...some(place, 'maxIf(place, is_return) AS last_return')];
  const actors = `SELECT ${byActor.join(', ')} FROM (${eventsOf(question, periods, asking, 'range')}) WHERE is_start OR is_return GROUP BY ${naming.actor}, period`;
  const byPeriod = [`${naming.person} AS person`, 'period', 'max(started) AS starts', 'max(came) AS returns', 'minIf(first_start, started) AS first', ...some(place, 'maxIf(last_return, came) AS last')];
  const personPeriods = `SELECT ${byPeriod.join(', ')} FROM (${actors}) AS actors ${naming.join(identity)} GROUP BY person, period`;
  const byPerson = [
    'person', `groupArrayIf((${['period', ...some(keys, 'first')].join(', ')},), starts) AS entries`, `${gathered('returns')} AS back`,
    ...some(place, `${gathered(`returns AND last >= ${placeOfStart(question, 'first')}`)} AS at_once`),
  ];
  const people = `SELECT ${byPerson.join(', ')} FROM (${personPeriods}) GROUP BY person HAVING max(starts) = 1`;
  const entered = `SELECT *, arrayJoin(entries) AS entry, entry.1 AS since FROM (${people})`;
  return `SELECT person, since, ${laterSql(question, listedSince('back', 'since'), holds('at_once', 'since'))} AS later${keys ? ', entry.2 AS start_text' : ''} FROM (${entered})`;
}

/** `first_start`: what must be known of the first start among some events, so that the least of several is that of all. */
function firstStart(question: Question): string {
  return `minIf(${needsOf(question).keys ? 'start_text' : 'place'}, is_start) AS first_start`;
}

/** In the place of `firstStart` for who started earlier. */
function noStart(question: Question): string {
  return needsOf(question).keys ? `''` : 'toUInt128(0)';
}

function placeOfStart(question: Question, start: string): string {
  return needsOf(question).keys ? placeOfOrderedText(start) : start;
}

function some(when: boolean, sql: string): string[] {
  return when ? [sql] : [];
}

/** A signed number of 64 bits as UInt64 in the same order. */
function biased(number: string): string {
  return `bitXor(reinterpretAsUInt64(${number}), 0x8000000000000000)`;
}

/** SELECT of the events since the range's start, or of ever: which are starts, which returns, in which period. */
function eventsOf(question: Question, periods: Periods, { naming, project, identity, range, nowMs }: Asking, since: 'range' | 'ever'): string {
  const { start, return: back, breakdown = [] } = question;
  const { toMs } = range;
  const { starts, cohorts, span } = periods;
  const fromMs = since === 'ever' ? EARLIEST_MS : range.fromMs;
  const [inRange, period] = since === 'ever' ? [`time >= ${timeLiteral(range.fromMs)} AND `, `if(time < ${timeLiteral(range.fromMs)}, toInt32(${BEFORE}), ${bucketNumberSql('time', starts)})`] : ['', bucketNumberSql('time', starts)];
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
    ...some(needs.place, `${PLACE} AS place`),
    ...groupColumns(breakdown, 'events', 'breakdown'),
    ...some(needs.keys, `${orderedText(PLACE, keyNames(breakdown.length))} AS start_text`),
  ];
  const events = eventsSql({ ...selection, columns });
  return needs.place ? `${events} AND ${byDoersSql({ ...selection, fromMs, toMs, events: start.event }, identity)}` : events;
}

/** SELECT of the actors who started before the range, as rows of a period BEFORE it, with `values` for the rest: they start in no cohort. */
function earlierActors({ start, where, includeBots = false }: Question, { naming, project, range }: Asking, values: readonly string[]): string {
  const events = eventsSql({
    project, fromMs: EARLIEST_MS, toMs: range.fromMs, events: start.event, includeBots, columns: [naming.columns],
    where: [[where, 'where'], [start.where, 'start.where']],
  });
  return `SELECT ${[naming.actor, BEFORE, 1, ...values].join(', ')} FROM (${events}) GROUP BY ${naming.actor}`;
}
