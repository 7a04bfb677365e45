import { instantOf, transitions, type Zone } from './zone.ts';

export const GRANULARITIES = ['minute', 'hour', 'day', 'week', 'month'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** In the order of their distance from Monday. */
export const WEEK_DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type WeekDay = (typeof WEEK_DAYS)[number];

const WIDTH_MS = { minute: 60_000, hour: 3_600_000 };
const DAY_MS = 86_400_000;

/**
 * Starts of the buckets that cover [fromMs, toMs), ascending, the first at or before `fromMs` (rule T2). Stops after
 * `limit` + 1 of them. Days, weeks (rule T14) and months begin when the zone's date changes; hours and minutes when
 * its clock shows a full one, so a day may have 23 or 25 hours, and a shift of half an hour makes one longer hour.
 */
export function bucketStarts(zone: Zone, granularity: Granularity, fromMs: number, toMs: number, limit: number, weekStart: WeekDay = 'monday'): number[] {
  if (granularity === 'minute' || granularity === 'hour') return clockStarts(zone, WIDTH_MS[granularity], fromMs, toMs, limit);
  const starts: number[] = [];
  for (let local = floorDate(granularity, fromMs + zone.offsetMs(fromMs), weekStart); starts.length <= limit; local = nextDate(granularity, local)) {
    const start = instantOf(zone, local);
    if (start >= toMs && starts.length > 0) break;
    // A date that a zone skipped whole (Samoa, 2011-12-30) begins where the next one does.
    if (starts.at(-1) === start) continue;
    starts.push(start);
  }
  return starts;
}

function floorDate(granularity: 'day' | 'week' | 'month', localMs: number, weekStart: WeekDay): number {
  const day = Math.floor(localMs / DAY_MS) * DAY_MS;
  if (granularity === 'day') return day;
  if (granularity === 'week') return day - daysIntoWeek(day, weekStart) * DAY_MS;
  const date = new Date(day);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
}

/** How many days the date of a local time (ms, read as if it were UTC) lies after the day on which its week began: 0 to 6. */
export function daysIntoWeek(localMs: number, weekStart: WeekDay): number {
  // 1970-01-01 was a Thursday, three days after a Monday.
  return (((Math.floor(localMs / DAY_MS) + 3 - WEEK_DAYS.indexOf(weekStart)) % 7) + 7) % 7;
}

function nextDate(granularity: 'day' | 'week' | 'month', localMs: number): number {
  if (granularity === 'day') return localMs + DAY_MS;
  if (granularity === 'week') return localMs + 7 * DAY_MS;
  const date = new Date(localMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}

function clockStarts(zone: Zone, width: number, fromMs: number, toMs: number, limit: number): number[] {
  // Where clocks go back by half an hour, an hour bucket is 1.5 hours long: three widths before is surely early enough.
  const early = fromMs - 3 * width;
  // Only as far as the limit lets us come: a century of minutes must not be searched for its transitions.
  const late = Math.min(toMs, fromMs + (limit + 2) * width);
  const starts: number[] = [];
  let segment = early;
  for (const end of [...transitions(zone, early, late), late]) {
    const offset = zone.offsetMs(segment);
    const shown = (instant: number, by: number): number => Math.floor((instant + by) / width);
    const full = Math.ceil((segment + offset) / width) * width - offset;
    // A shift that lands within another clock hour than it left begins that hour late.
    if (segment > early && full > segment && shown(segment, offset) !== shown(segment - 1, zone.offsetMs(segment - 1))) {
      starts.push(segment);
    }
    for (let start = full; start < end; start += width) starts.push(start);
    segment = end;
  }
  const first = starts.findLastIndex((start) => start <= fromMs);
  return starts.slice(first, first + limit + 1);
}

/**
 * SQL of the start of the bucket of a DateTime64(3) column, in ms after the first start (Int64). Buckets of one width
 * cost a division; others a search in the list (15 ns a row against 3; 2 cores, chDB 26.7). The last one's width is not told by the
 * starts: May is longer than April, and the day on which clocks go back than the one before.
 */
export function bucketSql(column: string, starts: readonly number[]): string {
  if (starts.length < 2) return 'toInt64(0)';
  const width = commonWidth(starts);
  if (width !== undefined) return `${evenNumberSql(column, starts, width)} * ${width}`;
  return `roundDown(toUnixTimestamp64Milli(${column}) - ${starts[0]!}, CAST([${sinceFirst(starts).join(',')}], 'Array(Int64)'))`;
}

/** SQL of the number (Int32) of the bucket of a DateTime64(3) column, the first one's being 0; what comes after all is in the last. Two starts or more. */
export function bucketNumberSql(column: string, starts: readonly number[]): string {
  const width = commonWidth(starts);
  if (width !== undefined) return `toInt32(${evenNumberSql(column, starts, width)})`;
  return `toInt32(transform(${bucketSql(column, starts)}, [${sinceFirst(starts).join(',')}], [${[...starts.keys()].join(',')}], ${starts.length - 1}))`;
}

/** What lies between any two starts; undefined where that differs. */
function commonWidth(starts: readonly number[]): number | undefined {
  const width = starts[1]! - starts[0]!;
  return starts.every((start, i) => start === starts[0]! + i * width) ? width : undefined;
}

function evenNumberSql(column: string, starts: readonly number[], width: number): string {
  return `least(intDiv(toUnixTimestamp64Milli(${column}) - ${starts[0]!}, ${width}), ${starts.length - 1})`;
}

function sinceFirst(starts: readonly number[]): number[] {
  return starts.map((start) => start - starts[0]!);
}
