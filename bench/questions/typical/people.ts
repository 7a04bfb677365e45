import { literal } from '@tidemark/warehouse';
import { within } from './persons.ts';
import { lastDays, type Typical } from './typical.ts';

interface Answer {
  total: number;
  people: { personId: string }[];
}

const PAGE = 100;

/**
 * The first page of those who searched, and how many there are. By hand: in the order of names, which hashes don't have, so
 * actors are mapped by text; the page is cut off a sorted column of distinct names, whose number is counted beside.
 */
export const people: Typical = {
  path: 'trend/people',
  question: { series: [{ event: 'search', measure: 'users' }], cell: { series: 0 }, pageSize: PAGE },
  range: lastDays(30),
  withinMs: 2_000,
  sql: (of) => {
    const whose = literal(of.project);
    return `WITH joined AS (SELECT previous, any(user) AS user FROM identity_links WHERE project = ${whose} GROUP BY previous),
    persons AS (SELECT DISTINCT multiIf(names.person != '', names.person, startsWith(actor, 'u') , concat(substring(actor, 2), '\\0', 'u'), concat(substring(actor, 2), '\\0', 'v')) AS person
      FROM (SELECT DISTINCT if(user_id != '', concat('u', user_id), concat('a', anonymous_id)) AS actor FROM events WHERE ${within(of, ['search'])}) AS actors
      LEFT ANY JOIN (
        SELECT concat('a', device) AS actor, concat(if(joined.user != '', joined.user, owner), '\\0', 'u') AS person
        FROM (SELECT device, argMin(user, first) AS owner FROM identity_claims WHERE project = ${whose} GROUP BY device) AS owners LEFT ANY JOIN joined ON owners.owner = joined.previous
        UNION ALL SELECT concat('u', previous), concat(user, '\\0', 'u') FROM joined) AS names USING actor)
    SELECT count() AS total, arraySlice(arraySort(groupArraySorted(${PAGE})(person)), 1, ${PAGE}) AS page FROM persons`;
  },
  expected: ([row]) => [row?.['total'], (row?.['page'] as string[] | undefined)?.map((name) => name.slice(0, name.indexOf('\0')))],
  told: ({ total, people: shown }: Answer) => [total, shown.map(({ personId }) => personId)],
};
