/**
 * The best chain of each person through the steps of a funnel (rules F1 to F6), in plain array functions.
 *
 * A person's events are sorted by (time, sequence, first matching step, eventId). Step by step, each event that can serve
 * step k is given the latest start of a chain of k - 1 steps that ended before it, if that start is not further back than
 * the window; `arrayFill` carries that start forward to the events after it. The latest start is the best one to carry,
 * because a later start leaves more of the window. The first event that is given a start for the furthest step ends the
 * chain that completes first; its intermediate steps are the first events that serve them, in order, after its start.
 */
import { joinIdentity, PERSON_SQL } from './person.ts';
import type { ProjectIdentity } from './project-identity.ts';

export interface ChainQuery {
  identity: ProjectIdentity;
  /**
   * SELECT of events with the actor columns, at (UInt64, ms, from 1), sequence, event_id, mask (bit i: the event may serve
   * step i + 1), and the columns of `keys` and `hold`.
   */
  rows: string;
  steps: number;
  windowMs: number;
  /** Each step follows directly upon the one before. `rows` then holds the events that match no step, too. */
  isStrict: boolean;
  /**
   * For each step the first matching steps (bits) of the events that can serve it, if an event's first matching step alone
   * tells which others it can serve: then eventId breaks no tie that shows, and neither it nor the mask need be carried.
   */
  servedBy: readonly number[] | undefined;
  /** Names of the group columns; a person's are those of the event that serves step 1. */
  keys: readonly string[];
  /** Names of columns that must be the same all along a chain. */
  hold: readonly string[];
}

/** Bits for an event's place within a person, below the ms of its time; 42 bits of ms are 139 years. */
const PLACE_BITS = 22;
const MAX_EVENTS = 2 ** PLACE_BITS - 1;
/** Bits for the steps, and one above them for the events that match none: they come last of their moment. */
const STEP_BITS = 20;
const NO_STEP = 2 ** STEP_BITS;

/** SELECT of one row for each person who did step 1: reached (steps), times (ms of each step reached), and the keys. */
export function chainSql(query: ChainQuery): string {
  const { steps, keys, hold } = query;
  const found = backtrack(query, carryStarts(query, sortedEvents(query)));
  const times = numbers(steps).map((k) => `toInt64(at[p${k}])`).join(', ');
  const chains = `SELECT reached, [${times}] AS times${keys.map((key, i) => `, tupleElement(e[p1], ${4 + i}) AS ${key}`).join('')}${hold.length === 0 ? '' : `, person, ${hold.join(', ')}`} FROM (${found})`;
  if (hold.length === 0) return chains;
  // Of a person's chains with different held values the best, by the same rule; then the smallest value.
  const order = `(-reached, times[reached], -times[1], ${hold.join(', ')})`;
  const best = ['reached', 'times', ...keys].map((name, i) => `tupleElement(best, ${i + 1}) AS ${name}`).join(', ');
  return `SELECT ${best} FROM (SELECT argMin(tuple(${['reached', 'times', ...keys].join(', ')}), ${order}) AS best FROM (${chains}) GROUP BY person)`;
}

/** SELECT of e (a person's events in order), at (their ms) and mask, and person and held values if any are held. */
function sortedEvents({ identity, rows, isStrict, servedBy, keys, hold }: ChainQuery): string {
  // Time, sequence and first step in one number: it is grouped and sorted three times as fast as a tuple of them.
  const order = `bitOr(bitShiftLeft(toUInt128(at), ${64 + STEP_BITS + 1}), bitOr(
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(sequence), 0x8000000000000000)), ${STEP_BITS + 1}),
    toUInt128(if(mask = 0, ${NO_STEP}, bitAnd(mask, bitNot(mask) + 1)))))`;
  const isPacked = servedBy !== undefined && keys.length === 0;
  const element = isPacked ? order : `(${[order, 'event_id', 'mask', ...keys].join(', ')})`;
  const byActor = `SELECT ${['actor_user', 'actor_device', ...hold].join(', ')}, groupArray(${element}) AS some
    FROM (${rows})${isStrict ? '' : ' WHERE mask != 0'} GROUP BY ${['actor_user', 'actor_device', ...hold].join(', ')}`;
  const byPerson = `SELECT ${PERSON_SQL} AS person${hold.map((name) => `, ${name}`).join('')}, arraySort(groupArrayArray(some)) AS e
    FROM (${byActor}) AS actors ${joinIdentity(identity)} GROUP BY ${['person', ...hold].join(', ')}`;
  const ordered = isPacked ? 'e' : 'tupleElement(e, 1)';
  const mask = isPacked ? `arrayMap(x -> toUInt32(bitAnd(x, ${NO_STEP - 1})), e)` : 'tupleElement(e, 3)';
  return `SELECT ${hold.length === 0 ? '' : `person, ${hold.join(', ')}, `}e,
    arrayMap(x -> toUInt64(bitShiftRight(x, ${64 + STEP_BITS + 1})), ${ordered}) AS at, ${mask} AS mask FROM (${byPerson})`;
}

/**
 * Adds c1, c2, …: for each event the start (ms and place) of the latest chain that it ends by serving step k, 0 if none;
 * and b1, b2, …: the start of the chain that reaches step k first. A step is a subquery: ClickHouse would otherwise
 * compute the inner arrays anew for each use.
 */
function carryStarts(query: ChainQuery, events: string): string {
  const { steps, windowMs, isStrict } = query;
  let sql = `SELECT *, throwIf(length(e) > ${MAX_EVENTS}, 'too many events of one person') AS checked,
    arrayMap((t, m, i) -> if(bitTest(m, 0), bitShiftLeft(t, ${PLACE_BITS}) + i, toUInt64(0)), at, mask, arrayEnumerate(e)) AS c1, arrayFirst(x -> x != 0, c1) AS b1
  FROM (${events})`;
  for (const k of numbers(steps).slice(1)) {
    const before = isStrict ? `c${k - 1}` : `arrayFill(x -> x != 0, c${k - 1})`;
    const given = `${servesSql(query, k)} AND s != 0 AND t - bitShiftRight(s, ${PLACE_BITS}) <= ${windowMs}`;
    sql = `SELECT *, arrayMap((t, m, s) -> if(${given}, s, toUInt64(0)), at, mask, arrayPushFront(arrayPopBack(${before}), toUInt64(0))) AS c${k}, arrayFirst(x -> x != 0, c${k}) AS b${k}
  FROM (${sql})`;
  }
  return sql;
}

/** Adds reached, and p1, p2, …: the places of the best chain's events, 0 for the steps that it doesn't reach. */
function backtrack(query: ChainQuery, carried: string): string {
  const { steps, isStrict, hold } = query;
  const reached = numbers(steps).map((k) => `(b${k} != 0)`).join(' + ');
  const furthest = numbers(steps).toReversed().slice(0, -1).map((k) => `b${k} != 0, b${k}`);
  const start = steps === 1 ? 'b1' : `multiIf(${furthest.join(', ')}, b1)`;
  const kept = hold.length === 0 ? '' : `person, ${hold.join(', ')}, `;
  let sql = `SELECT ${kept}e, at, mask, toInt8(${reached}) AS reached, toUInt32(bitAnd(${start}, ${MAX_EVENTS})) AS p1 FROM (${carried}) WHERE b1 != 0 AND checked = 0`;
  for (const k of numbers(steps).slice(1)) {
    const next = isStrict ? `p1 + ${k - 1}` : `arrayFirstIndex((m, i) -> i > p${k - 1} AND ${servesSql(query, k)}, mask, arrayEnumerate(mask))`;
    sql = `SELECT *, if(reached < ${k}, toUInt32(0), toUInt32(${next})) AS p${k} FROM (${sql})`;
  }
  return sql;
}

/** Whether an event of mask `m` can serve step k. */
function servesSql({ servedBy, keys }: ChainQuery, k: number): string {
  return `bitAnd(m, ${servedBy === undefined || keys.length > 0 ? 2 ** (k - 1) : servedBy[k - 1]}) != 0`;
}

/** 1 to n. */
function numbers(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i + 1);
}
