import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { lastDays, type Typical } from './typical.ts';

const LOOKBACK_MS = 30 * 86_400_000;
const VISIT_MS = 1_800_000;

interface Answer {
  breakdowns: { breakdown: string[]; models: Record<string, { conversions: number }> }[];
}

/**
 * Which channel brought the purchases of a month, by the first and by the last touch. By hand: only who bought is looked at;
 * their visits are found in one sorted array a person, and each purchase takes the first and the last of them in its month.
 */
export const attribution: Typical = {
  path: 'attribution',
  question: { conversion: { event: 'purchase' }, touch: { event: 'page_view' }, models: ['first_touch', 'last_touch'], lookback: '30d', limit: 20 },
  range: lastDays(30),
  sql: (of) => {
    const persons = (columns: string, from: string): string => `SELECT ${PERSON} AS person, ${columns} FROM (${from}) AS actors ${joinPersons(of.project)}`;
    const buyers = persons('groupArrayArray(some) AS bought', `SELECT ${ACTOR} AS actor, groupArray(toUnixTimestamp64Milli(time)) AS some FROM events WHERE ${within(of, ['purchase'])} GROUP BY actor`);
    const touched = persons('arraySort(groupArrayArray(some)) AS e', `SELECT ${ACTOR} AS actor, groupArray((toUnixTimestamp64Milli(time), channel)) AS some FROM events WHERE ${within({ ...of, fromMs: of.fromMs - LOOKBACK_MS - VISIT_MS }, ['page_view'])} AND channel != '' GROUP BY actor`);
    return `WITH touches AS (SELECT bought, arrayFilter((x, i) -> i = 1 OR x.1 - e[i - 1].1 > ${VISIT_MS} OR (x.2 != e[i - 1].2 AND x.2 != 'direct'), e, arrayEnumerate(e)) AS own
      FROM (${buyers} GROUP BY person) AS b LEFT JOIN (${touched} GROUP BY person) AS t USING person)
    SELECT channel, countIf(is_first) AS firsts, countIf(NOT is_first) AS lasts FROM (
      SELECT arrayFilter(x -> x.1 <= at AND x.1 >= at - ${LOOKBACK_MS}, own) AS seen, [(if(empty(seen), 'direct', seen[1].2), 1), (if(empty(seen), 'direct', seen[-1].2), 0)] AS both FROM touches ARRAY JOIN bought AS at)
    ARRAY JOIN both.1 AS channel, both.2 AS is_first GROUP BY channel ORDER BY channel`;
  },
  expected: (rows) => rows.map(({ channel, firsts, lasts }) => [channel, firsts, lasts]),
  told: ({ breakdowns }: Answer) => breakdowns.toSorted((a, b) => (a.breakdown[0]! < b.breakdown[0]! ? -1 : 1)).map(({ breakdown: [channel], models }) => [channel, models['first_touch']?.conversions, models['last_touch']?.conversions]),
};
