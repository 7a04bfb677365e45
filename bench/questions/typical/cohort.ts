import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { wholeRange, type Typical } from './typical.ts';

interface Answer {
  size: number;
  of: number;
}

/** Who saw three products and bought none, among all people. By hand: two counts an actor, added up by person, in one pass over the names. */
export const cohort: Typical = {
  path: 'cohort',
  question: { all: [{ did: 'product_viewed', atLeast: 3 }, { didNot: 'purchase' }] },
  range: wholeRange,
  sql: (of) => `SELECT countIf(views >= 3 AND purchases = 0) AS size, count() AS of FROM (
    SELECT ${PERSON} AS person, sum(viewed) AS views, sum(bought) AS purchases FROM (
      SELECT ${ACTOR} AS actor, countIf(event_name = 'product_viewed') AS viewed, countIf(event_name = 'purchase') AS bought FROM events WHERE ${within(of)} GROUP BY actor) AS actors ${joinPersons(of.project)} GROUP BY person)`,
  expected: ([row]) => [row?.['size'], row?.['of']],
  told: ({ size, of }: Answer) => [size, of],
};
