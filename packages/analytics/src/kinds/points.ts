import { bucketStarts, type Granularity } from '../buckets.ts';
import { QuestionError } from '../problem.ts';
import type { TimeRange } from '../range.ts';

const MAX_POINTS = 10_000;
const MAX_POINTS_IN_ALL = 100_000;

/** Starts of the buckets of a question of so many series (rule T2). Throws a QuestionError when they are too many. */
export function pointStarts(question: { granularity?: Granularity; breakdown?: readonly string[]; limit?: number }, { zone, fromMs, toMs }: TimeRange, series: number): number[] {
  const starts = bucketStarts(zone, question.granularity ?? 'day', fromMs, toMs, MAX_POINTS);
  const groups = question.breakdown === undefined ? 1 : (question.limit ?? 10) + 2;
  if (starts.length <= MAX_POINTS && starts.length * groups * series <= MAX_POINTS_IN_ALL) return starts;
  throw new QuestionError({
    code: 'too_many_points', field: 'granularity', value: question.granularity,
    rule: `at most ${MAX_POINTS} points a series and ${MAX_POINTS_IN_ALL} in all`,
    detail: 'There would be too many points; ask for a coarser granularity, a shorter range or fewer groups.',
  });
}
