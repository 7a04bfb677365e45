/**
 * Places of the best chain of each person whose steps come in order, strictly or not (rules F1 to F5, F9).
 *
 * Step by step, each event that can serve step k is given the latest start of a chain of k - 1 steps that ended before it, if
 * that start is not further back than the window; `arrayFill` carries that start forward to the events after it. The latest
 * start is the best one to carry, because a later start leaves more of the window. What spoils a chain between two steps
 * stops what is carried there. The first event that is given a start for the furthest step ends the chain that completes
 * first; its steps between are the first events that serve them, in order, after its start (and, where something may spoil
 * it, from which its end can still be reached).
 */
import { MAX_EVENTS, numbers, PLACE_BITS, servesSql, spoilingBits, type ChainQuery } from './query.ts';

/** Adds reached, and p1, p2, …: the places of the best chain's events, 0 for the steps that it doesn't reach. */
export function placesInOrder(query: ChainQuery, events: string): string {
  return backtrack(query, carryStarts(query, events));
}

/**
 * Adds c1, c2, …: for each event the start (ms and place) of the latest chain that it ends by serving step k, 0 if none;
 * and b1, b2, …: the start of the chain that reaches step k first. A step is a subquery: ClickHouse would otherwise
 * compute the inner arrays anew for each use.
 */
function carryStarts(query: ChainQuery, events: string): string {
  const { steps, windowMs } = query;
  // By the bit of step 1 itself: what comes after the range may serve a step that asks for the same, and start nothing.
  let sql = `SELECT *, arrayMap((t, m, i) -> if(bitAnd(m, ${2 ** (steps[0] ?? 0)}) != 0, bitShiftLeft(t, ${PLACE_BITS}) + i, toUInt64(0)), at, mask, arrayEnumerate(e)) AS c1, arrayFirst(x -> x != 0, c1) AS b1
  FROM (${events})`;
  for (const k of numbers(steps.length).slice(1)) {
    const given = `${servesSql(query, k)} AND s > ${SPOILT} AND t - bitShiftRight(s, ${PLACE_BITS}) <= ${windowMs}`;
    sql = `SELECT *, arrayMap((t, m, s) -> if(${given}, s, toUInt64(0)), at, mask, arrayPushFront(arrayPopBack(${carried(query, k - 1)}), toUInt64(0))) AS c${k}, arrayFirst(x -> x != 0, c${k}) AS b${k}
  FROM (${sql})`;
  }
  return sql;
}

/** In place of a start: there was one, and it is spoilt. Starts are greater. */
const SPOILT = 1;

/** The start that each event and all before it leave for step k + 1. */
function carried(query: ChainQuery, k: number): string {
  if (query.order === 'strict') return `c${k}`;
  const bits = spoilingBits(query, k);
  const stopped = bits === 0 ? `c${k}` : `arrayMap((c, m) -> if(c = 0 AND bitAnd(m, ${bits}) != 0, toUInt64(${SPOILT}), c), c${k}, mask)`;
  return `arrayFill(x -> x != 0, ${stopped})`;
}

function backtrack(query: ChainQuery, carriedStarts: string): string {
  const { steps, order, hold, exclude } = query;
  const all = numbers(steps.length);
  const ofFurthest = (name: string): string => (steps.length === 1 ? `${name}1` : `multiIf(${all.toReversed().slice(0, -1).map((k) => `b${k} != 0, ${name}${k}`).join(', ')}, ${name}1)`);
  const mayBeSpoilt = order !== 'strict' && exclude.length > 0;
  const kept = ['person', ...hold, 'e', 'at', 'mask'].join(', ');
  const reached = `toInt8(${all.map((k) => `(b${k} != 0)`).join(' + ')}) AS reached`;
  const ends = mayBeSpoilt ? `, toUInt32(arrayFirstIndex(x -> x != 0, ${ofFurthest('c')})) AS ended` : '';
  let sql = `SELECT ${kept}, ${reached}, toUInt32(bitAnd(${ofFurthest('b')}, ${MAX_EVENTS})) AS p1${ends} FROM (${carriedStarts}) WHERE b1 != 0 AND checked = 0`;
  if (mayBeSpoilt) sql = leadingToEnd(query, sql);
  for (const k of all.slice(1)) {
    const first = mayBeSpoilt ? `(f, i) -> f * i > p${k - 1}, f${k}, arrayEnumerate(f${k})` : `(m, i) -> if(${servesSql(query, k)}, i, toUInt32(0)) > p${k - 1}, mask, arrayEnumerate(mask)`;
    sql = `SELECT *, if(reached < ${k}, toUInt32(0), toUInt32(${order === 'strict' ? `p1 + ${k - 1}` : `arrayFirstIndex(${first})`})) AS p${k} FROM (${sql})`;
  }
  return sql;
}

/** Adds f2, f3, …: 1 for the events that can serve step k in a chain that ends at `ended` without being spoilt after them. */
function leadingToEnd(query: ChainQuery, chains: string): string {
  let sql = chains;
  for (const k of numbers(query.steps.length).slice(1).toReversed()) {
    const bits = spoilingBits(query, k);
    const goesOn = `arrayPushBack(arrayPopFront(arrayReverseFill(x -> x != 0, arrayMap((f, m) -> multiIf(f = 1, toUInt8(1), bitAnd(m, ${bits}) != 0, toUInt8(2), toUInt8(0)), f${k + 1}, mask))), toUInt8(0))`;
    const leads =
      k === query.steps.length
        ? `arrayMap(i -> toUInt8(i = if(reached = ${k}, ended, toUInt32(0))), arrayEnumerate(mask))`
        : `arrayMap((m, i, x) -> toUInt8(multiIf(reached < ${k}, 0, reached = ${k}, i = ended, ${servesSql(query, k)}, x = 1, 0)), mask, arrayEnumerate(mask), ${goesOn})`;
    sql = `SELECT *, ${leads} AS f${k} FROM (${sql})`;
  }
  return sql;
}
