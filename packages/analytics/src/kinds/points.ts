import { bucketStarts, type Granularity, type WeekDay } from '../time/buckets.ts';
import { QuestionError } from '../question/problem.ts';
import type { TimeRange } from '../time/range.ts';

export const MAX_POINTS = 10_000;
const MAX_POINTS_IN_ALL = 100_000;

interface Pointed {
  granularity?: Granularity;
  weekStart?: WeekDay;
  breakdown?: readonly string[];
  limit?: number;
}

/** Starts of the buckets of a question of so many series (rule T2). Throws a QuestionError when they are too many. */
export function pointStarts(question: Pointed, { zone, fromMs, toMs }: TimeRange, series: number): number[] {
  const starts = bucketStarts(zone, question.granularity ?? 'day', fromMs, toMs, MAX_POINTS, question.weekStart);
  boundPoints(question, starts.length, series);
  return starts;
}

/** Throws a QuestionError when so many points for each of so many series and each of the question's groups are too many. */
export function boundPoints(question: Pointed, points: number, series: number): void {
  const groups = question.breakdown === undefined ? 1 : (question.limit ?? 10) + 2;
  if (points <= MAX_POINTS && points * groups * series <= MAX_POINTS_IN_ALL) return;
  throw new QuestionError({
    code: 'too_many_points', field: 'granularity', value: question.granularity,
    rule: `at most ${MAX_POINTS} points a series and ${MAX_POINTS_IN_ALL} in all`,
    detail: 'There would be too many points; ask for a coarser granularity, a shorter range or fewer groups.',
  });
}
