import { join } from 'node:path';
import { literal } from '@tidemark/warehouse';
import { nextSqlProcessWaits } from '../../server/next-sql-process.ts';
import { ACTOR, joinPersons, PERSON } from './persons.ts';
import { lastDays, type Typical } from './typical.ts';

interface Answer {
  rows: unknown[][];
}

/**
 * Of each day: how much happened, how many people came, how many of them bought, and what that was worth. `worth`: as by hand, where the
 * JSON of purchases alone is read; or as one writes it who doesn't think of that, and it is read of every event.
 */
const statement = (worth: string): string => `SELECT toDate(time) AS day, count() AS events, uniqExact(person_id) AS people, uniqExactIf(person_id, event_name = 'purchase') AS buyers,
    round(${worth}, 2) AS worth
  FROM events WHERE time >= {from} AND time < {to} AND NOT bot GROUP BY day ORDER BY day`;
export const STATEMENT = statement("sum(if(event_name = 'purchase', JSONExtractFloat(properties, 'price'), 0))");
export const STATEMENT_OF_ALL_JSON = statement("sumIf(JSONExtractFloat(properties, 'price'), event_name = 'purchase')");

/** The same by hand over the files of the lake in a data folder, on all cores. Persons are told as in R6. */
export function dailyByHand({ project, fromMs, toMs, dataPath }: Parameters<Typical['sql']>[0]): string {
  const files = literal(join(dataPath, 'lake/date=*/**/*.parquet'));
  return `SELECT toDate(time) AS day, count() AS events, uniqExact(${PERSON}) AS people, uniqExactIf(${PERSON}, is_purchase) AS buyers, round(sum(price), 2) AS worth
    FROM (SELECT time, ${ACTOR} AS actor, event_name = 'purchase' AS is_purchase, if(is_purchase, JSONExtractFloat(properties, 'price'), 0) AS price FROM file(${files}, 'Parquet')
      WHERE project = ${literal(project)} AND bot = 0 AND time >= fromUnixTimestamp64Milli(${fromMs}) AND time < fromUnixTimestamp64Milli(${toMs})) AS rows
    ${joinPersons(project)} GROUP BY day ORDER BY day SETTINGS use_hive_partitioning = 0`;
}

/** A statement of somebody's own over the last month. By hand: over the same files, on one thread as well. */
export const sql: Typical = {
  path: 'sql',
  question: { query: STATEMENT },
  range: lastDays(30),
  isNeverKept: true,
  before: nextSqlProcessWaits,
  sql: (of) => `${dailyByHand(of)}, max_threads = 1`,
  expected: (rows) => rows.map(({ day, events, people, buyers, worth }) => [day, events, people, buyers, worth]),
  told: ({ rows }: Answer) => rows,
};
