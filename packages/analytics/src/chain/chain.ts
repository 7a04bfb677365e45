/** The best chain of each person through the steps of a funnel (rules F1 to F12), in plain array functions. */
import { BY_KEY } from '../identity/naming.ts';
import { placesInAnyOrder } from './any-order.ts';
import { placesInOrder } from './in-order.ts';
import { isPacked, MAX_EVENTS, numbers, STEP_BITS, type ChainQuery } from './query.ts';

/** One above the bits of the steps, for the events that match none: they come last of their moment. */
const NO_STEP = 2 ** STEP_BITS;

/**
 * An event's place in its person's order but for eventId: time, sequence and first step in one number (UInt128), which is
 * grouped and sorted three times as fast as a tuple of them.
 */
export const ORDER_SQL = `bitOr(${orderOfTime('toUInt128(at)')}, bitOr(
    bitShiftLeft(toUInt128(bitXor(reinterpretAsUInt64(sequence), 0x8000000000000000)), ${STEP_BITS + 1}),
    toUInt128(if(bitAnd(mask, ${NO_STEP - 1}) = 0, ${NO_STEP}, bitAnd(bitAnd(mask, ${NO_STEP - 1}), bitNot(mask) + 1)))))`;

/** The `at` (UInt64) in the number that ORDER_SQL makes. */
export function timeOfOrder(order: string): string {
  return `toUInt64(bitShiftRight(${order}, ${64 + STEP_BITS + 1}))`;
}

/** The least number that ORDER_SQL makes of an `at` (UInt128). */
export function orderOfTime(at: string): string {
  return `bitShiftLeft(${at}, ${64 + STEP_BITS + 1})`;
}

/**
 * SELECT of one row for each person who did step 1: person, reached (steps of the chain), times (`at` of each of them, then of
 * each optional step, as Int64; 0 where it was not reached), the keys, and mark (order and eventId of an event).
 */
export function chainSql(query: ChainQuery): string {
  const { order, steps, optional, keys, hold, marked } = query;
  const places = withOptional(query, (order === 'any' ? placesInAnyOrder : placesInOrder)(query, sortedEvents(query)));
  const names = ['reached', 'times', ...keys, ...(marked === undefined ? [] : ['mark'])];
  const times = [...steps.map((_, i) => `p${i + 1}`), ...optional.map((_, i) => `o${i + 1}`)].map((place) => `toInt64(at[${place}])`);
  const columns = [`[${times.join(', ')}] AS times`, ...keys.map((key, i) => `${keySql(query, i)} AS ${key}`), ...(marked === undefined ? [] : [`(e[p${marked}].1, e[p${marked}].2) AS mark`])];
  const chains = `SELECT ${['person', ...hold, 'reached', ...columns].join(', ')} FROM (${places})`;
  if (hold.length === 0) return chains;
  // Of a person's chains with different held values the best, by the same rule; then the smallest value.
  const rank = `(-reached, times[reached], -times[1], ${hold.join(', ')})`;
  const best = names.map((name, i) => `tupleElement(best, ${i + 1}) AS ${name}`).join(', ');
  return `SELECT person, ${best} FROM (SELECT person, argMin(tuple(${names.join(', ')}), ${rank}) AS best FROM (${chains}) GROUP BY person)`;
}

/** SELECT of person, held values, e (a person's events in order), at (their ms) and mask. */
function sortedEvents(query: ChainQuery): string {
  const { identity, naming = BY_KEY, rows, order, keys, hold } = query;
  const packed = isPacked(query);
  const element = packed ? ORDER_SQL : `(${[ORDER_SQL, 'event_id', 'mask', ...keys].join(', ')})`;
  const byActor = `SELECT ${[naming.actor, ...hold].join(', ')}, groupArray(${element}) AS some
    FROM (${rows})${order === 'strict' ? '' : ' WHERE mask != 0'} GROUP BY ${[naming.actor, ...hold].join(', ')}`;
  const byPerson = `SELECT ${naming.person} AS person${hold.map((name) => `, ${name}`).join('')}, arraySort(groupArrayArray(some)) AS e
    FROM (${byActor}) AS actors ${naming.join(identity)} GROUP BY ${['person', ...hold].join(', ')}`;
  const mask = packed ? `arrayMap(x -> toUInt32(bitAnd(x, ${NO_STEP - 1})), e)` : 'tupleElement(e, 3)';
  return `SELECT ${['person', ...hold].join(', ')}, e, arrayMap(x -> ${timeOfOrder('x')}, ${packed ? 'e' : 'tupleElement(e, 1)'}) AS at, ${mask} AS mask,
    throwIf(length(e) > ${MAX_EVENTS}, 'too many events of one person') AS checked FROM (${byPerson})`;
}

/** Adds o1, o2, …: the place of the first event of each optional step after that of the required step before it, 0 for none. */
function withOptional({ steps, optional, windowMs }: ChainQuery, places: string): string {
  if (optional.length === 0) return places;
  const found = optional.map(({ bit, after }, i) => {
    const inTime = `t - start <= ${windowMs}`;
    const until = after < steps.length ? `if(p${after + 1} = 0, ${inTime}, i < p${after + 1})` : inTime;
    return `if(p${after} = 0, toUInt32(0), toUInt32(arrayFirstIndex((m, t, i) -> multiIf(bitAnd(m, ${2 ** bit}) = 0, 0, i <= p${after}, 0, ${until}), mask, at, arrayEnumerate(mask)))) AS o${i + 1}`;
  });
  return `SELECT *, ${found.join(', ')} FROM (SELECT *, at[p1] AS start FROM (${places}))`;
}

/** A person's key `i`: '-' where it is unset. */
function keySql({ steps, keysFrom }: ChainQuery, i: number): string {
  const of = (place: string): string => `tupleElement(e[${place}], ${4 + i})`;
  if (typeof keysFrom === 'number') return `if(p${keysFrom} = 0, '-', ${of(`p${keysFrom}`)})`;
  const all = numbers(steps.length).map((k) => `if(p${k} = 0, '-', ${of(`p${k}`)})`);
  const found = `${keysFrom === 'first' ? 'arrayFirst' : 'arrayLast'}(x -> x != '-', [${all.join(', ')}])`;
  return `if(${found} = '', '-', ${found})`;
}
