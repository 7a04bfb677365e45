import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import type { Typical } from './typical.ts';

const WEEK_MS = 604_800_000;
const COLUMNS = 6;
const COHORTS = 6;
/** Monday, 5 January 1970. */
const FIRST_MONDAY_MS = 4 * 86_400_000;

interface Answer {
  cohorts: { size: number; retained: (number | null)[] }[];
}

/**
 * Who came back to the pages in the weeks after they first did. By hand: the first time and a bit for each week are all that
 * is needed of a person, so one aggregation by actor and one by person read each row once and keep two numbers.
 */
export const retention: Typical = {
  path: 'retention',
  question: { start: { event: 'page_view' }, return: { event: 'page_view' }, period: 'week', periods: COLUMNS },
  // The newest cohort's last column has ended.
  range: ({ endMs }) => {
    const toMs = Math.floor((endMs - FIRST_MONDAY_MS) / WEEK_MS) * WEEK_MS + FIRST_MONDAY_MS - (COLUMNS - 1) * WEEK_MS;
    return { from: new Date(toMs - COHORTS * WEEK_MS).toISOString(), to: new Date(toMs).toISOString() };
  },
  sql: ({ project, fromMs }) => {
    const week = (ms: string): string => `intDiv(${ms} - ${FIRST_MONDAY_MS}, ${WEEK_MS})`;
    const first = (fromMs - FIRST_MONDAY_MS) / WEEK_MS;
    return `SELECT toUInt32(w - ${first}) AS cohort, count() AS size, ${Array.from({ length: COLUMNS }, (_, k) => `countIf(bitTest(weeks, w - ${first - 40} + ${k})) AS r${k}`).join(', ')}
    FROM (SELECT ${PERSON} AS person, ${week('min(since)')} AS w, groupBitOr(some) AS weeks FROM (
      SELECT ${ACTOR} AS actor, toUnixTimestamp64Milli(min(time)) AS since, groupBitOr(bitShiftLeft(toUInt64(1), ${week('toUnixTimestamp64Milli(time)')} - ${first - 40})) AS some
      FROM events WHERE ${within({ project, fromMs: fromMs - 40 * WEEK_MS, toMs: Date.now() }, ['page_view'])} GROUP BY actor) AS actors ${joinPersons(project)} GROUP BY person)
    WHERE w >= ${first} AND w < ${first + COHORTS} GROUP BY cohort ORDER BY cohort`;
  },
  expected: (rows) => rows.map((row) => [row['size'], Array.from({ length: COLUMNS }, (_, k) => row[`r${k}`])]),
  told: ({ cohorts }: Answer) => cohorts.map(({ size, retained }) => [size, retained]),
};
