import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { wholeRange, type Typical } from './typical.ts';

interface Answer {
  series: { breakdown: string[]; total: number; points: { value: number }[] }[];
}

/**
 * Daily users by category, of products above a price: rollups can't tell it. By hand: rows are brought together by group, day
 * and actor, which leaves few to be mapped and counted, and days and totals are counted of these in one pass.
 */
export const trend: Typical = {
  path: 'trend',
  question: {
    series: [{ event: 'product_viewed', measure: 'users', where: [{ property: 'properties.price', op: '>', value: 50 }] }],
    granularity: 'day', breakdown: ['properties.category'], limit: 20,
  },
  range: wholeRange,
  sql: (of) => `SELECT g, day, grouping(day) AS is_total, uniqExact(person) AS users FROM (
    SELECT g, day, ${PERSON} AS person FROM (
      SELECT CAST(properties.category, 'String') AS g, toDate(time) AS day, ${ACTOR} AS actor FROM events
      WHERE ${within(of, ['product_viewed'])} AND ifNull(coalesce(dynamicElement(properties.price, 'Float64'), toFloat64(dynamicElement(properties.price, 'Int64'))) > 50, 0)
      GROUP BY g, day, actor) AS actors ${joinPersons(of.project)})
    GROUP BY GROUPING SETS ((g, day), (g)) ORDER BY g, is_total, day`,
  expected: (rows) => rows.map(({ g, users }) => `${String(g)} ${String(users)}`),
  told: ({ series }: Answer) =>
    series.toSorted((a, b) => (a.breakdown[0]! < b.breakdown[0]! ? -1 : 1)).flatMap(({ breakdown, points, total }) => [...points.map(({ value }) => value).filter((value) => value > 0), total].map((users) => `${breakdown[0]} ${users}`)),
};
