/** One row for each person of a question about paths: the nodes of the path, and the group of its anchor (rules H1 to H4, H7). */
import { literal, timeLiteral } from '@tidemark/warehouse';
import type { Asking } from '../../asking/asking.ts';
import type { Span } from '../../cache/stored.ts';
import { cutSql, groupColumns, keyNames } from '../../events/breakdown.ts';
import { ORDER_SQL, orderOfTime, timeOfOrder } from '../../chain/chain.ts';
import { MAX_EVENTS, PLACE_BITS, STEP_BITS } from '../../chain/query.ts';
import { eventsSql, namedSql, selectedSql, type EventSelection } from '../../events/events.ts';
import { ACTOR_HASH_SQL, actorsOfSamePersons } from '../../identity/person-hash.ts';
import { propertySql } from '../../properties/property.ts';
import { EARLIEST_MS, LATEST_MS, type TimeRange } from '../../time/range.ts';
import { patternLiteral } from '../../events/where.ts';
import type { PathsPlan, Question } from './question.ts';

/** Bits of an event's mask: the first two are a funnel's steps and decide the order as such (rule F2), those above don't. */
const FIRST = 1;
const LAST = 2;
const ONLY = 2 ** STEP_BITS;
const HIDDEN = 2 ** (STEP_BITS + 1);

/** SELECT of person, path (its nodes in order, one more than are shown) and the keys k0, k1, … of the anchor's group. */
export function pathsSql(question: Question, plan: PathsPlan, asking: Asking): string {
  const keys = keyNames(question.breakdown?.length ?? 0);
  const nodes = 'arrayMap(x -> x.4, own)';
  const path = `arraySlice(${question.collapse === false ? nodes : `arrayCompact(${nodes})`}, 1, ${plan.steps + 1}) AS path`;
  const own = plan.way === 'between' ? eventsBetween(question, plan, asking) : eventsFrom(question, plan, asking);
  return `SELECT ${['person', path, ...keys.map((key, i) => `anchor.${5 + i} AS ${key}`)].join(', ')} FROM (${own})`;
}

/**
 * SELECT of person, anchor and own, the events of the path from the anchor on, in either direction. Only those within the window are put
 * in order: of a month's events a few of each person.
 */
function eventsFrom(question: Question, plan: PathsPlan, asking: Asking): string {
  const isAfter = plan.way === 'after';
  const bound = orderOfTime(`toUInt128(${isAfter ? `at + ${plan.windowMs + 1}` : `greatest(toInt64(at - ${plan.windowMs}), 0)`})`);
  const near = `SELECT person, arraySort(x -> (x.1, x.2), arrayFilter(x -> ${isAfter ? 'x.1 >= begin AND x.1 < bound' : 'x.1 <= begin AND x.1 >= bound'}, e)) AS near
    FROM (SELECT person, e, begin, ${timeOfOrder('begin')} AS at, ${bound} AS bound FROM (${personEvents(question, plan, asking)}))`;
  const found = `SELECT person, near, arrayFirstIndex(x -> bitAnd(x.3, ${ONLY}) != 0, near) AS first FROM (${near})`;
  const ordered = `SELECT person, near[first] AS anchor, ${isAfter ? 'arraySlice(near, first)' : 'arrayReverse(arraySlice(near, 1, first))'} AS ordered FROM (${found})`;
  return `SELECT person, anchor, ${shownOf(question, 'i = 1')} AS own FROM (${ordered})`;
}

/**
 * SELECT of the same, from one anchor to the other, of those who came to it: of the chains of a funnel of the two (rule F3) the
 * one that completes first, and of these the one that starts last.
 */
function eventsBetween(question: Question, plan: PathsPlan, asking: Asking): string {
  const at = timeOfOrder('x.1');
  const sorted = `SELECT person, arraySort(x -> (x.1, x.2), e) AS e FROM (${personEvents(question, plan, asking)})`;
  // For each event the latest start before it, its time above its place; 0 for none.
  const starts = `arrayMap((x, i) -> if(bitAnd(x.3, ${FIRST}) != 0, bitShiftLeft(${at}, ${PLACE_BITS}) + i, toUInt64(0)), e, arrayEnumerate(e))`;
  const latest = `SELECT person, e, arrayPushFront(arrayPopBack(arrayFill(x -> x != 0, ${starts})), toUInt64(0)) AS latest FROM (${sorted}) WHERE throwIf(length(e) > ${MAX_EVENTS}, 'too many events of one person') = 0`;
  const end = `arrayFirstIndex((x, s) -> bitAnd(x.3, ${LAST}) != 0 AND s != 0 AND ${at} - bitShiftRight(s, ${PLACE_BITS}) <= ${plan.windowMs}, e, latest)`;
  const ended = `SELECT person, e, ${end} AS end, bitAnd(latest[end], ${MAX_EVENTS}) AS start FROM (${latest})`;
  const found = `SELECT person, end - start + 1 AS size, arraySlice(e, start, size) AS ordered FROM (${ended}) WHERE end != 0`;
  return `SELECT person, ordered[1] AS anchor, ${shownOf(question, 'i = 1 OR i = size')} AS own FROM (${found})`;
}

/** Of `ordered` what is not hidden; a path's own anchors never are. */
function shownOf({ hide = [] }: Question, isAnchor: string): string {
  return hide.length === 0 ? 'ordered' : `arrayFilter((x, i) -> bitAnd(x.3, ${HIDDEN}) = 0 OR ${isAnchor}, ordered, arrayEnumerate(ordered))`;
}

/**
 * SELECT of person, e, the events of those who have an anchor, in no order: (place, event_id, mask, node, keys of the group), and begin,
 * the least place of an anchor. An array a column: those of 1 M events were made in a third of the time of one array of tuples.
 */
function personEvents(question: Question, plan: PathsPlan, asking: Asking): string {
  const { naming } = asking;
  const columns = ['place', 'event_id', 'mask', 'node', ...keyNames(question.breakdown?.length ?? 0)];
  const isBegin = `bitAnd(mask, ${plan.way === 'between' ? FIRST : ONLY}) != 0`;
  const byActor = `SELECT ${naming.actor}, ${columns.map((name) => `groupArray(${name}) AS ${name}s`).join(', ')}, minIf(place, ${isBegin}) AS begins, max(${isBegin}) AS begun
    FROM (SELECT *, ${ORDER_SQL} AS place FROM (${candidates(question, plan, asking)}) WHERE mask != ${HIDDEN}) GROUP BY ${naming.actor}`;
  return `SELECT ${naming.person} AS person, arrayZip(${columns.map((name) => `groupArrayArray(${name}s)`).join(', ')}) AS e, minIf(begins, begun) AS begin
  FROM (${byActor}) AS actors ${naming.join(asking.identity)} GROUP BY person HAVING max(begun) = 1`;
}

/** Of which events paths may be. */
export function spanOf({ way, windowMs }: Pick<PathsPlan, 'way' | 'windowMs'>, { fromMs, toMs }: TimeRange): Span {
  return way === 'before' ? { fromMs: Math.max(fromMs - windowMs, EARLIEST_MS), toMs } : { fromMs, toMs: Math.min(toMs + windowMs, LATEST_MS) };
}

/** SELECT of the events that paths may be of, of people with an event of the first anchor's names, with the naming's columns, at (UInt64, ms, from 1), sequence, event_id, mask, node and keys. */
function candidates(question: Question, { way, anchors, windowMs }: PathsPlan, { project, identity, naming, range }: Asking): string {
  const { where, includeBots = false, hide = [], breakdown = [] } = question;
  const { fromMs, toMs } = spanOf({ way, windowMs }, range);
  const selection: EventSelection = { project, fromMs, toMs, events: undefined, includeBots, where: [[where, 'where']], columns: [] };
  const inRange = `time >= ${timeLiteral(range.fromMs)} AND time < ${timeLiteral(range.toMs)}`;
  const bits = anchors.map(({ selector, field }, i) => {
    const is = selectedSql({ ...selection, events: selector.event, where: [[selector.where, `${field}.where`]] });
    return `if(${i === 0 ? `${inRange} AND ` : ''}${is}, ${way === 'between' ? [FIRST, LAST][i] : ONLY}, 0)`;
  });
  const hidden = hide.length === 0 ? [] : [`if(${hiddenSql(question, hide)}, ${HIDDEN}, 0)`];
  const columns = [
    naming.columns, `toUInt64(toUnixTimestamp64Milli(time) - ${fromMs} + 1) AS at`, 'sequence', 'event_id',
    `toUInt32(${[...bits, ...hidden].join(' + ')}) AS mask`, `${nodeSql(question)} AS node`, ...groupColumns(breakdown, 'events', 'breakdown'),
  ];
  const events = eventsSql({ ...selection, columns });
  const begin = anchors[0]?.selector.event;
  if (begin === undefined) return events;
  const began = eventsSql({ ...selection, fromMs: range.fromMs, toMs: range.toMs, events: begin, where: [], columns: [`DISTINCT ${ACTOR_HASH_SQL}`] });
  return `${events} AND ${ACTOR_HASH_SQL} IN (${actorsOfSamePersons(began, identity)})`;
}

/** SQL that is 1 for an event that is named itself, or by its value of `by`: never NULL (rule H3). */
function hiddenSql({ by }: Question, hide: readonly string[]): string {
  return by === undefined ? namedSql(hide) : `(${namedSql(hide)} OR ifNull(${valueSql(by)} IN (${hide.map(literal).join(', ')}), 0))`;
}

function valueSql(by: string): string {
  return cutSql(propertySql(by, 'events', 'by').text);
}

/** What an event is called in a path (rule H3). */
function nodeSql({ by, group = [] }: Question): string {
  const node = by === undefined ? 'event_name' : `ifNull(${valueSql(by)}, event_name)`;
  const rules = group.map(({ pattern, name }, i) => `match(${node}, ${patternLiteral(pattern, `group[${i}].pattern`)}), ${literal(name)}`);
  return `CAST(${rules.length === 0 ? node : `multiIf(${rules.join(', ')}, ${node})`}, 'String')`;
}
