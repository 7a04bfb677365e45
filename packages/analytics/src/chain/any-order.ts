/**
 * Places of the best chain of each person whose steps may come in any order (rule F8).
 *
 * From each event on, the next event of every step is known by one fill from the end; those within the window are the chain
 * that starts there. Of all starts the best is one comparison of numbers: steps, then the earlier end, then the later start.
 */
import { MAX_EVENTS, numbers, PLACE_BITS, type ChainQuery } from './query.ts';

/** Adds reached, and p1, p2, …: the places of the events by which so many steps were done, 0 for what isn't reached. */
export function placesInAnyOrder({ steps, hold, windowMs, startsBefore }: ChainQuery, events: string): string {
  const kept = ['person', ...hold, 'e', 'at', 'mask'].join(', ');
  // An event serves the first step that it matches, and no other.
  const named = `SELECT *, arrayMap(m -> bitAnd(m, bitNot(m) + 1), mask) AS step, arrayMap((t, i) -> bitShiftLeft(t, ${PLACE_BITS}) + i, at, arrayEnumerate(at)) AS q FROM (${events})`;
  const next = steps.map((bit, i) => `arrayReverseFill(x -> x != 0, arrayMap((s, x) -> if(s = ${2 ** bit}, x, toUInt64(0)), step, q)) AS n${i + 1}`);
  const all = steps.map((_, i) => `n${i + 1}`);
  const xs = steps.map((_, i) => `x${i + 1}`);
  const chains = `arrayMap(${['(t', ...xs].join(', ')}) -> arrayFilter(x -> t < ${startsBefore} AND x != 0 AND bitShiftRight(x, ${PLACE_BITS}) - t <= ${windowMs}, [${xs.join(', ')}]), ${['at', ...all].join(', ')})`;
  const rank = `arrayMap((c, i) -> if(empty(c), toUInt64(0), bitShiftLeft(length(c), ${2 * PLACE_BITS}) + bitShiftLeft(toUInt64(${MAX_EVENTS} - bitAnd(arrayMax(c), ${MAX_EVENTS})), ${PLACE_BITS}) + i), chains, arrayEnumerate(at))`;
  const best = `SELECT *, arrayMax(${rank}) AS best, chains[bitAnd(best, ${MAX_EVENTS})] AS found FROM (SELECT *, ${chains} AS chains FROM (SELECT *, ${next.join(', ')} FROM (${named})) WHERE checked = 0)`;
  const chain = `arraySort(arrayMap(x -> toUInt32(bitAnd(x, ${MAX_EVENTS})), found))`;
  return `SELECT ${kept}, toInt8(length(chain)) AS reached, ${numbers(steps.length).map((k) => `chain[${k}] AS p${k}`).join(', ')}
  FROM (SELECT ${kept}, ${chain} AS chain FROM (${best}) WHERE best != 0)`;
}
