import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { lastDays, type Typical } from './typical.ts';

const ANCHOR = 'checkout_started';
const WINDOW_MS = 86_400_000;
const STEPS = 5;

interface Answer {
  users: number;
  truncated: number;
  nodes: { step: number; node: string; users: number }[];
}

/**
 * What people do after they began to check out. By hand: who has an anchor is found first, and events of nobody else are gathered; an event
 * is its time, number and name, sorted by person, cut off at the first anchor and a day later, and without repeats.
 */
export const paths: Typical = {
  path: 'paths',
  question: { after: { event: ANCHOR }, window: '1d', steps: STEPS, nodeLimit: 100 },
  range: lastDays(30),
  sql: (of) => {
    const person = (actors: string): string => `SELECT actor, ${PERSON} AS person FROM (${actors}) AS actors ${joinPersons(of.project)}`;
    const people = `SELECT DISTINCT person FROM (${person(`SELECT DISTINCT ${ACTOR} AS actor FROM events WHERE ${within(of, [ANCHOR])}`)})`;
    const rows = `SELECT ${ACTOR} AS actor, groupArray((toUnixTimestamp64Milli(time), sequence, CAST(event_name, 'String'))) AS some FROM events WHERE ${within({ ...of, toMs: of.toMs + WINDOW_MS })} GROUP BY actor`;
    return `WITH sorted AS (SELECT person, arraySort(groupArrayArray(some)) AS e FROM (SELECT ${PERSON} AS person, some FROM (${rows}) AS actors ${joinPersons(of.project)}) WHERE person IN (${people}) GROUP BY person),
    paths AS (SELECT arrayFirstIndex(x -> x.3 = '${ANCHOR}' AND x.1 < ${of.toMs}, e) AS begin, arrayCompact(arrayMap(x -> x.3, arrayFilter((x, i) -> i >= begin AND x.1 <= e[begin].1 + ${WINDOW_MS}, e, arrayEnumerate(e)))) AS path FROM sorted)
    SELECT i AS step, path[i] AS node, count() AS users, countIf(i = ${STEPS} AND length(path) > ${STEPS}) AS longer FROM paths ARRAY JOIN arrayEnumerate(arraySlice(path, 1, ${STEPS})) AS i GROUP BY step, node ORDER BY step, node`;
  },
  expected: (rows) => [rows.reduce((sum, { longer }) => sum + Number(longer), 0), ...rows.map(({ step, node, users }) => `${Number(step)} ${String(node)} ${Number(users)}`)],
  told: ({ truncated, nodes }: Answer) => [
    truncated,
    ...nodes.filter(({ node }) => node !== 'drop-off').toSorted((a, b) => a.step - b.step || (a.node < b.node ? -1 : 1)).map(({ step, node, users }) => `${step} ${node} ${users}`),
  ],
};
