import { ACTOR, joinPersons, PERSON, within } from './persons.ts';
import { wholeRange, type Typical } from './typical.ts';

interface Answer {
  crossovers: number;
  metrics: { variants: { variant: string; users: number; converted?: number; mean?: number; standardDeviation?: number | null }[] }[];
}

type Of = Parameters<Typical['sql']>[0];

const EXPOSED = `event_name = 'experiment_viewed'`;

/**
 * Whether a variant buys more often, and more. By hand: the first exposure and all purchases are gathered by actor, brought
 * together by person, and what came after the exposure is counted. Prices are added as integers of cents, which is exact. Intervals and
 * p-values follow from people, means and deviations. What happened in the same millisecond is in no order, of which these data have nothing.
 */
export const experiment: Typical = {
  path: 'experiment',
  question: { exposure: { event: 'experiment_viewed' }, metrics: [{ event: 'purchase' }, { event: 'purchase', measure: { sum: 'properties.price' } }] },
  range: wholeRange,
  sql: (of) => `SELECT variant, count() AS users, countIf(notEmpty(after)) AS converted, avg(worth) AS mean, stddevSamp(worth) AS deviation, sum(countIf(least != greatest)) OVER () AS crossovers
    FROM (SELECT first_of.2 AS variant, least, greatest, arrayFilter(x -> x.1 > first_of.1, bought) AS after, arraySum(x -> x.2, after) / 100 AS worth FROM ${historiesSql(of, ['min(low) AS least', 'max(high) AS greatest'], [`minIf(cityHash64(variant), ${EXPOSED}) AS own_low`, `maxIf(cityHash64(variant), ${EXPOSED}) AS high`, `if(seen.1 = 0, 18446744073709551615, own_low) AS low`])})
    GROUP BY variant ORDER BY variant = 'control' DESC, variant`,
  expected: (rows) => rows.map(({ variant, users, converted, mean, deviation, crossovers }) => [variant, users, converted, digits(mean), digits(deviation), Number(crossovers)]),
  told: ({ metrics, crossovers }: Answer) =>
    metrics[0]!.variants.map(({ variant, users, converted }, i) => {
      const { mean, standardDeviation } = metrics[1]!.variants[i]!;
      return [variant, users, converted, digits(mean), digits(standardDeviation), crossovers];
    }),
  less: {
    what: 'without crossovers and deviations',
    sql: (of) => `SELECT variant, count() AS users, countIf(notEmpty(after)) AS converted, sum(arraySum(x -> x.2, after)) / 100 / count() AS mean
      FROM (SELECT first_of.2 AS variant, arrayFilter(x -> x.1 > first_of.1, bought) AS after FROM ${historiesSql(of, [], [])}) GROUP BY variant`,
  },
};

/** Relation of the exposed: person, `first_of` (time and variant) and `bought` (times and cents), with more of each person, made of more of each actor. */
function historiesSql(of: Of, ofPerson: readonly string[], ofActor: readonly string[]): string {
  return `(SELECT ${[`${PERSON} AS person`, 'min(exposed) AS first_of', 'groupArrayArray(some) AS bought', ...ofPerson].join(', ')} FROM (
    SELECT ${[
      `${ACTOR} AS actor`, `minIf((toUnixTimestamp64Milli(time), CAST(properties.variant, 'String') AS variant), ${EXPOSED}) AS seen`, `if(seen.1 = 0, (9999999999999, ''), seen) AS exposed`,
      `groupArrayIf((toUnixTimestamp64Milli(time), toInt64(round(coalesce(dynamicElement(properties.price, 'Float64'), toFloat64(dynamicElement(properties.price, 'Int64')), 0) * 100))), event_name = 'purchase') AS some`, ...ofActor,
    ].join(', ')}
    FROM events WHERE ${within(of, ['experiment_viewed', 'purchase'])} GROUP BY actor) AS actors ${joinPersons(of.project)} GROUP BY person HAVING first_of.2 != '')`;
}

function digits(value: unknown): string {
  return Number(value).toPrecision(5);
}
