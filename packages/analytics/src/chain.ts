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

export interface ChainQuery {
  project: string;
  /** SELECT of the matching events: the actor columns, at (ms, from 1), sequence, event_id, mask, and the keys; see `matchingEvents`. */
  rows: string;
  steps: number;
  windowMs: number;
  /** Names of the group columns; a person's are those of the event that serves step 1. */
  keys: readonly string[];
}

/** Bits for an event's place within a person; the time stands above them. 42 bits of ms are 139 years. */
const PLACE_BITS = 22;

/** SELECT of a row for each person who did step 1: reached (steps), times (ms of each step reached), and the keys. */
export function chainSql({ project, rows, steps, windowMs, keys }: ChainQuery): string {
    const tuple = `(at, sequence, bitAnd(mask, bitNot(mask) + 1), event_id, mask${keys.map((key) => `, ${key}`).join('')})`;
  const byActor = `SELECT actor_user, actor_device, groupArray(${tuple}) AS some
    FROM (${rows}) WHERE mask != 0 GROUP BY actor_user, actor_device`;
  const byPerson = `SELECT arraySort(groupArrayArray(some)) AS e FROM (${byActor}) AS actors ${joinIdentity(project)} GROUP BY ${PERSON_SQL}`;

  // s: start of the latest chain that ended at or before each event, for the step reached so far; 0 = none.
  let sql = `SELECT e, tupleElement(e, 1) AS at, tupleElement(e, 5) AS mask,
    arrayMap((t, m, i) -> if(bitTest(m, 0), bitShiftLeft(t, ${PLACE_BITS}) + i, toUInt64(0)), at, mask, arrayEnumerate(e)) AS c1,
    arrayFirst(x -> x != 0, c1) AS b1
  FROM (${byPerson})`;
  for (let k = 2; k <= steps; k++) {
    sql = `SELECT *, arrayMap((t, m, s) -> if(bitTest(m, ${k - 1}) AND s != 0 AND t - bitShiftRight(s, ${PLACE_BITS}) <= ${windowMs}, s, toUInt64(0)),
      at, mask, arrayPushFront(arrayPopBack(arrayFill(x -> x != 0, c${k - 1})), toUInt64(0))) AS c${k},
    arrayFirst(x -> x != 0, c${k}) AS b${k}
  FROM (${sql})`;
  }
  const furthest = Array.from({ length: steps }, (_, i) => `(b${i + 1} != 0)`).join(' + ');
  const best = Array.from({ length: steps - 1 }, (_, i) => `reached = ${steps - i}, b${steps - i}`).join(', ');
  const start = steps === 1 ? 'b1' : `multiIf(${best}, b1)`;
  sql = `SELECT e, at, mask, ${furthest} AS reached, toUInt32(bitAnd(${start}, ${2 ** PLACE_BITS - 1})) AS p1 FROM (${sql}) WHERE b1 != 0`;
  for (let k = 2; k <= steps; k++) {
    sql = `SELECT *, if(reached < ${k}, toUInt32(0), arrayFirstIndex((m, i) -> i > p${k - 1} AND bitTest(m, ${k - 1}), mask, arrayEnumerate(mask))) AS p${k} FROM (${sql})`;
  }
  const times = Array.from({ length: steps }, (_, i) => `toInt64(at[p${i + 1}])`).join(', ');
  const groups = keys.map((key, i) => `, tupleElement(e[p1], ${6 + i}) AS ${key}`).join('');
  return `SELECT reached, [${times}] AS times${groups} FROM (${sql})`;
}
