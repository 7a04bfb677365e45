/** The earlier range that a trend is compared with (rule T7). */
import { durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { EARLIEST_MS, type TimeRange } from '../../time/range.ts';
import { instantOf, type Zone } from '../../time/zone.ts';
import type { Question } from './question.ts';

const DAY_MS = 86_400_000;
/** A duration of whole days by its unit: `24h` is a time, `1d` a day of the calendar. */
const OF_DAYS = /[dw]$/;

/** Undefined where the question does not compare. Throws a QuestionError. */
export function earlierRange({ compare, granularity }: Question, range: TimeRange): TimeRange | undefined {
  if (compare === undefined) return undefined;
  const { fromMs, toMs, zone } = range;
  const found = compare === 'previous' ? rangeBefore(range, granularity) : rangeEarlierBy(compare, range);
  if (found !== undefined && found.fromMs >= EARLIEST_MS) {
    // Where clocks were changed a part of an hour may have nothing before it that they showed.
    return found.fromMs < found.toMs ? { ...found, zone } : { fromMs: found.fromMs, toMs: found.fromMs + (toMs - fromMs), zone };
  }
  throw new QuestionError({
    code: 'invalid_value', field: 'compare', value: compare, rule: 'previous, or 1s to 366d; not before 1900',
    detail: 'compare must be previous or a duration from 1s to 366d, and not reach back before 1900.',
  });
}

type Ends = Pick<TimeRange, 'fromMs' | 'toMs'>;

/** Of the same length, directly before: in months or days of the calendar, where the range is of whole ones. */
function rangeBefore({ fromMs, toMs, zone }: TimeRange, granularity: Question['granularity']): Ends {
  const [from, to] = [dateAt(zone, fromMs), dateAt(zone, toMs)];
  if (from === undefined || to === undefined) return { fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
  if (granularity === 'month' && isFirst(from) && isFirst(to)) {
    return { fromMs: instantOf(zone, Date.UTC(from.getUTCFullYear(), from.getUTCMonth() - monthsBetween(from, to), 1)), toMs: fromMs };
  }
  return { fromMs: instantOf(zone, 2 * from.getTime() - to.getTime()), toMs: fromMs };
}

/** So much earlier; days and weeks are those of the calendar, so that both ends are at the same time of the day as before. */
function rangeEarlierBy(duration: string, { fromMs, toMs, zone }: TimeRange): Ends | undefined {
  const ms = durationMs(duration);
  if (ms === undefined) return undefined;
  const earlier = (instant: number): number => (OF_DAYS.test(duration) ? instantOf(zone, instant + zone.offsetMs(instant) - ms) : instant - ms);
  return { fromMs: earlier(fromMs), toMs: earlier(toMs) };
}

/** The zone's date that begins at an instant, its midnight read as if it were UTC; undefined where none does. */
function dateAt(zone: Zone, instant: number): Date | undefined {
  const local = Math.floor((instant + zone.offsetMs(instant)) / DAY_MS) * DAY_MS;
  return instantOf(zone, local) === instant ? new Date(local) : undefined;
}

function isFirst(date: Date): boolean {
  return date.getUTCDate() === 1;
}

function monthsBetween(from: Date, to: Date): number {
  return (to.getUTCFullYear() - from.getUTCFullYear()) * 12 + to.getUTCMonth() - from.getUTCMonth();
}
