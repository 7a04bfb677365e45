/** Retention as SQL: from when people started and when they returned follow their cohorts and the columns in which they came back. */
import type { Asking } from '../../asking/asking.ts';
import { allUnsetSql, keyNames } from '../../events/breakdown.ts';
import { valuesOfOrderedText } from '../../events/ordered-text.ts';
import { historiesSql } from './histories.ts';
import type { Periods } from './periods.ts';
import type { Question } from './question.ts';

/** The column of the cohort itself: everybody is in it. */
export const OWN = -1;
/**
 * SELECT of a row for each person and cohort: person, cohort (its number), the keys k0, … of their start event, and `back`, the
 * distinct columns in which they returned, with OWN; of `on_or_after` only the last column for which they count.
 */
export function cohortMembersSql(question: Question, periods: Periods, asking: Asking): string {
  const { breakdown = [], mode } = question;
  const { columns, span, cohorts } = periods;
  const columnOf = `[${columns.flatMap(({ first, end }, i) => Array.from({ length: end - first }, () => i)).join(',')}]`;
  // Of periods that are columns each is there once.
  const within = `arrayFilter(d -> d < ${span}, later)`;
  const came = columns.every(({ first, end }, i) => first === i && end === i + 1) ? within : `arrayDistinct(arrayMap(d -> toInt32(${columnOf}[d + 1]), ${within}))`;
  const back =
    mode === 'on_or_after'
      ? `arrayDistinct([${OWN}, if(empty(later), ${OWN}, ${columnOf}[least(arrayMax(later), ${span - 1}) + 1])])`
      : `arrayPushFront(${came}, ${OWN})`;
  return `SELECT ${['person', 'since AS cohort', ...valuesOfOrderedText('start_text', breakdown.length).map((key, i) => `${key} AS k${i}`), 'later', `${back} AS back`].join(', ')}
FROM (${historiesSql(question, periods, asking)}) WHERE since >= 0 AND since < ${cohorts}`;
}

/**
 * SELECT of the people (n) of each cohort and column, OWN too; with a breakdown of each group that is shown, in k0, k1, … with its
 * `place` (the rest after those shown, the unset last).
 */
export function cellsSql(question: Question, members: string): string {
  const { breakdown = [], limit = 10 } = question;
  const keys = keyNames(breakdown.length);
  const of = keys.length === 0 ? '' : `${keys.join(', ')}, `;
  const counted = `SELECT ${of}cohort, column, count() AS n FROM (${members}) ARRAY JOIN back AS column GROUP BY ${of}cohort, column`;
  if (keys.length === 0) return counted;
  const sized = `SELECT *, ${allUnsetSql(keys.length)} AS is_unset, sum(if(column = ${OWN}, n, 0)) OVER (PARTITION BY ${keys.join(', ')}) AS size FROM (${counted})`;
  const ranked = `SELECT *, if(is_unset, ${limit + 2}, least(dense_rank() OVER (PARTITION BY is_unset ORDER BY size DESC, ${keys.join(', ')}), ${limit + 1})) AS place FROM (${sized})`;
  return `SELECT place, ${keys.map((key) => `if(place = ${limit + 1}, '+', ${key}) AS ${key}`).join(', ')}, cohort, column, sum(n) AS n
FROM (${ranked}) GROUP BY place, ${keys.join(', ')}, cohort, column ORDER BY place`;
}
