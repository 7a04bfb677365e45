/** The calendar of a trend: where its points begin and end, and what is read beside them (rules T2, T12, T13). */
import { bucketStarts, type Granularity } from '../../time/buckets.ts';
import { EARLIEST_MS, type TimeRange } from '../../time/range.ts';
import { boundPoints, MAX_POINTS } from '../points.ts';
import type { Question } from './question.ts';

export interface Calendar {
  range: TimeRange;
  /** Starts of the points' buckets (epoch ms), the first at or before the range's. */
  starts: readonly number[];
  /** When the last of these buckets ends, also beyond the range. */
  endMs: number;
  /** The buckets before the first that a rolling average needs. */
  before: { range: TimeRange; starts: readonly number[] };
  stickiness?: Periods;
}

/** Weeks or months, and their days. */
export interface Periods {
  starts: readonly number[];
  /** How many days each has. */
  lengths: readonly number[];
  /** Starts of the days of all of them. */
  days: readonly number[];
}

/** The calendars of ranges of a question. Throws a QuestionError when they have too many points (rule T18). */
export function calendarsOf(question: Question, ranges: readonly TimeRange[]): Calendar[] {
  const calendars: Calendar[] = [];
  let points = 0;
  for (const range of ranges) {
    const { zone, fromMs, toMs } = range;
    const { granularity = 'day', weekStart, rolling = 1 } = question;
    const starts = bucketStarts(zone, granularity, fromMs, toMs, MAX_POINTS, weekStart);
    const stickiness = question.stickiness === undefined ? undefined : periodsOf(question, question.stickiness, range);
    points += starts.length + rolling - 1 + (stickiness?.days.length ?? 0);
    boundPoints(question, points, question.series.length);
    const firstMs = starts[0]!;
    const [, endMs = toMs] = bucketStarts(zone, granularity, starts.at(-1)!, Number.POSITIVE_INFINITY, 1, weekStart);
    const before = { range: { ...range, fromMs: firstMs, toMs: firstMs }, starts: rolling === 1 ? [] : startsBefore(question, granularity, range, firstMs) };
    // No event is earlier.
    before.range.fromMs = Math.max(before.starts[0] ?? firstMs, EARLIEST_MS);
    calendars.push({ range, starts, endMs, before, ...(stickiness !== undefined && { stickiness }) });
  }
  return calendars;
}

const HOUR_MS = 3_600_000;
/** No bucket is longer. */
const LONGEST_MS: Record<Granularity, number> = { minute: 60_000, hour: 1.5 * HOUR_MS, day: 25 * HOUR_MS, week: 8 * 24 * HOUR_MS, month: 32 * 24 * HOUR_MS };

function startsBefore({ rolling = 1, weekStart }: Question, granularity: Granularity, { zone }: TimeRange, firstMs: number): number[] {
  const earlyMs = firstMs - (rolling + 1) * LONGEST_MS[granularity];
  return bucketStarts(zone, granularity, earlyMs, firstMs, MAX_POINTS, weekStart).slice(1 - rolling);
}

function periodsOf({ weekStart }: Question, period: 'week' | 'month', { zone, fromMs, toMs }: TimeRange): Periods {
  const starts = bucketStarts(zone, period, fromMs, toMs, MAX_POINTS, weekStart);
  const [, endMs = toMs] = bucketStarts(zone, period, starts.at(-1)!, Number.POSITIVE_INFINITY, 1, weekStart);
  const days = bucketStarts(zone, 'day', starts[0]!, endMs, MAX_POINTS);
  const lengths = starts.map((start, i) => days.filter((day) => day >= start && day < (starts[i + 1] ?? endMs)).length);
  return { starts, lengths, days };
}
