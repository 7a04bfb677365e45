/** The calendar of a retention question: its cohorts, and when each of their columns begins and ends. */
import { bucketStarts } from '../../time/buckets.ts';
import { QuestionError } from '../../question/problem.ts';
import type { TimeRange } from '../../time/range.ts';
import { columnsOf, type Column, type Question } from './question.ts';

const MAX_CELLS = 10_000;
const MAX_CELLS_IN_ALL = 100_000;

export interface Periods {
  /** Cohorts are of the first so many periods. */
  cohorts: number;
  columns: readonly Column[];
  /** Periods that all columns of a cohort reach over, its own included. */
  span: number;
  /** Starts (epoch ms) of the periods from the first cohort's to the one after the last cohort's last column. */
  starts: readonly number[];
}

/** Throws a QuestionError. */
export function periodsOf(question: Question, { zone, fromMs, toMs }: TimeRange): Periods {
  const { period = 'day', weekStart, breakdown = [], limit = 10 } = question;
  const columns = columnsOf(question);
  const span = columns.at(-1)!.end;
  const cohorts = bucketStarts(zone, period, fromMs, toMs, MAX_CELLS, weekStart).length;
  const groups = breakdown.length === 0 ? 1 : limit + 2;
  const cells = cohorts * columns.length;
  if (cells > MAX_CELLS || cells * groups > MAX_CELLS_IN_ALL) {
    throw new QuestionError({
      code: 'too_many_points', field: 'period', value: question.period,
      rule: `at most ${MAX_CELLS} cells (cohorts times columns) and ${MAX_CELLS_IN_ALL} with groups`,
      detail: 'There would be too many cells; ask for longer periods, a shorter range, fewer columns or fewer groups.',
    });
  }
  return { cohorts, columns, span, starts: bucketStarts(zone, period, fromMs, Number.POSITIVE_INFINITY, cohorts + span - 1, weekStart) };
}

/** Epoch ms at which a column of a cohort begins. */
export function beginMs({ starts, columns }: Periods, cohort: number, column: number): number {
  return starts[cohort + columns[column]!.first]!;
}

/** Epoch ms at which a column of a cohort has ended. */
export function endMs({ starts, columns }: Periods, cohort: number, column: number): number {
  return starts[cohort + columns[column]!.end]!;
}
