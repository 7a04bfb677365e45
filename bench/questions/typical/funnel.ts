import { FUNNEL_STEPS } from '../store/visits.ts';
import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { wholeRange, type Typical } from './typical.ts';

const STEPS = [FUNNEL_STEPS[0], FUNNEL_STEPS[1], FUNNEL_STEPS[4]] as const;
const WINDOW_MS = 86_400_000;

interface Answer {
  steps: { users: number; dropOff: number; medianSeconds: number | null }[];
}

/** How many came to each step and no more, by the engine's own function: what a funnel costs without its times. */
function countsAlone(of: { project: string; fromMs: number; toMs: number }): string {
  const levels = STEPS.map((name) => `event_name = '${name}'`).join(', ');
  return `SELECT level, count() FROM (
    SELECT ${PERSON} AS person, windowFunnel(${WINDOW_MS})(at, ${levels}) AS level
    FROM (SELECT ${ACTOR} AS actor, toUInt64(toUnixTimestamp64Milli(time)) AS at, event_name FROM events WHERE ${within(of, STEPS)}) AS rows ${joinPersons(of.project)} GROUP BY person) GROUP BY level`;
}

/**
 * Who went from seeing a product to buying one within a day, and how long it took. By hand: an event is one number, its time
 * and step (within a millisecond steps count in their order), gathered by actor and sorted by person. Where a chain may start
 * is carried forward as the latest start; only people with both first steps go on, and the times are those of the chain that
 * completes first. `windowFunnel` counts the people faster and tells no times (`less`).
 */
export const funnel: Typical = {
  path: 'funnel',
  question: { steps: STEPS.map((event) => ({ event })), window: '1d' },
  range: wholeRange,
  sql: (of) => {
    const t = (x: string): string => `bitShiftRight(${x}, 2)`;
    const is = (x: string, step: number): string => `bitAnd(${x}, 3) = ${step}`;
    const carried = (starts: string): string => `arrayPushFront(arrayPopBack(arrayFill(x -> x != 0, ${starts})), toUInt64(0))`;
    return `WITH people AS (
      SELECT ${PERSON} AS person, arraySort(groupArrayArray(some)) AS e FROM (
        SELECT ${ACTOR} AS actor, groupArray(bitOr(bitShiftLeft(toUInt64(toUnixTimestamp64Milli(time)), 2), transform(event_name, ['${STEPS.join("', '")}'], [1, 2, 3], 0))) AS some
        FROM events WHERE ${within(of, STEPS)} GROUP BY actor) AS actors ${joinPersons(of.project)}
      GROUP BY person HAVING arrayExists(x -> ${is('x', 1)}, e)),
    second AS (SELECT e, arrayMap((x, s) -> if(${is('x', 2)} AND s != 0 AND ${t('x')} - s <= ${WINDOW_MS}, s, toUInt64(0)), e, ${carried(`arrayMap(x -> if(${is('x', 1)}, ${t('x')}, toUInt64(0)), e)`)}) AS c2
      FROM people WHERE arrayExists(x -> ${is('x', 2)}, e)),
    third AS (SELECT e, c2, if(arrayExists(x -> ${is('x', 3)}, e), arrayMap((x, s) -> if(${is('x', 3)} AND s != 0 AND ${t('x')} - s <= ${WINDOW_MS}, s, toUInt64(0)), e, ${carried('c2')}), []) AS c3
      FROM second WHERE arrayExists(s -> s != 0, c2)),
    ends AS (SELECT e, arrayFirstIndex(s -> s != 0, c3) AS end3, if(end3 = 0, arrayFirst(s -> s != 0, c2), c3[end3]) AS start,
      arrayFirst(x -> ${is('x', 2)} AND ${t('x')} >= start AND x > bitOr(bitShiftLeft(start, 2), 1), e) AS at2 FROM third)
    SELECT (SELECT count() FROM people) AS users1, count() AS users2, countIf(end3 != 0) AS users3,
      quantileExactInclusive(0.5)((${t('at2')} - start) / 1000) AS seconds2, quantileExactInclusiveIf(0.5)((${t(`arrayFirst(x -> ${is('x', 3)} AND x > at2, e)`)} - ${t('at2')}) / 1000, end3 != 0) AS seconds3
    FROM ends`;
  },
  expected: ([row]) => [[row?.['users1'], null], [row?.['users2'], row?.['seconds2']], [row?.['users3'], row?.['seconds3']]],
  told: ({ steps }: Answer) => steps.map(({ users, medianSeconds }) => [users, medianSeconds]),
  cells: ({ steps }: Answer) => [
    { name: 'converted at step 2', cell: { step: 2, outcome: 'reached' }, count: steps[1]!.users },
    { name: 'dropped at step 2', cell: { step: 2, outcome: 'dropped' }, count: steps[1]!.dropOff },
  ],
  less: { what: 'windowFunnel, without times', sql: countsAlone },
};
