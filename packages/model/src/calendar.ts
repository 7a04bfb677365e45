/**
 * Buckets found by walking the clock: every quarter of an hour it is asked what a wall clock in the zone shows, and a new
 * bucket begins when that calls for one. (Zones have shifted at other times than full quarters only long ago.)
 */
const QUARTER_MS = 900_000;

export const WEEK_DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'] as const;
export type WeekDay = (typeof WEEK_DAYS)[number];

export type Granularity = 'minute' | 'hour' | 'day' | 'week' | 'month';

/** Start of the bucket of every instant in [fromMs, toMs), ascending; the first may lie before `fromMs`. */
export function bucketStarts(timezone: string, granularity: Granularity, fromMs: number, toMs: number, weekStart: WeekDay = 'monday'): number[] {
  const stepMs = granularity === 'minute' ? 60_000 : QUARTER_MS;
  const backMs = { minute: 1, hour: 3 * 60, day: 27 * 60, week: 8 * 24 * 60, month: 33 * 24 * 60 }[granularity] * 60_000;
  const clock = wallClock(timezone);
  const starts: number[] = [];
  let before: string | undefined;
  for (let instant = Math.floor((fromMs - backMs) / stepMs) * stepMs; instant < toMs; instant += stepMs) {
    const shown = clock(instant);
    const label = labelOf(shown, granularity, weekStart);
    const isFullHour = granularity === 'hour' && shown.minute === 0;
    if (granularity === 'minute' || (before !== undefined && (label !== before || isFullHour))) starts.push(instant);
    before = label;
  }
  return starts.slice(starts.findLastIndex((start) => start <= fromMs));
}

interface Span {
  fromMs: number;
  toMs: number;
}

/** The range that is compared with: `previous`, or so much earlier (`7d`, `3h`), found by walking back. */
export function earlierSpan(timezone: string, granularity: Granularity, { fromMs, toMs }: Span, compare: string): Span {
  const found = compare === 'previous' ? spanBefore(timezone, granularity, { fromMs, toMs }) : spanEarlierBy(timezone, { fromMs, toMs }, compare);
  return found.fromMs < found.toMs ? found : { fromMs: found.fromMs, toMs: found.fromMs + toMs - fromMs };
}

function spanBefore(timezone: string, granularity: Granularity, { fromMs, toMs }: Span): Span {
  for (const unit of granularity === 'month' ? (['month', 'day'] as const) : (['day'] as const)) {
    const begun = bucketStarts(timezone, unit, fromMs - 1, toMs + 1);
    if (!begun.includes(fromMs) || !begun.includes(toMs)) continue;
    const count = begun.filter((start) => start >= fromMs && start < toMs).length;
    const before = bucketStarts(timezone, unit, fromMs - (count + 1) * 32 * 24 * 4 * QUARTER_MS, fromMs);
    return { fromMs: before.at(-count)!, toMs: fromMs };
  }
  return { fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
}

const UNIT_MS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

function spanEarlierBy(timezone: string, { fromMs, toMs }: Span, duration: string): Span {
  const [unit, ms] = [duration.slice(-1), Number.parseInt(duration, 10) * UNIT_MS[duration.slice(-1)]!];
  const clock = wallClock(timezone);
  const minuteOf = (instant: number): number => {
    const { year, month, day, hour, minute } = clock(instant);
    return Date.UTC(year, month - 1, day, hour, minute);
  };
  const earlier = (instant: number): number => {
    if (unit !== 'd' && unit !== 'w') return instant - ms;
    const wanted = minuteOf(instant) - ms;
    const full = Math.floor(instant / 60_000) * 60_000;
    for (let at = full - ms - UNIT_MS['d']!; ; at += 60_000) {
      if (minuteOf(at) === wanted) return at + instant - full;
      // Clocks went forward over it.
      if (minuteOf(at) > wanted) return at;
    }
  };
  return { fromMs: earlier(fromMs), toMs: earlier(toMs) };
}

interface WallClock {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
}

function labelOf({ year, month, day, hour }: WallClock, granularity: Granularity, weekStart: WeekDay): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  switch (granularity) {
    case 'month':
      return `${year}-${month}`;
    case 'week':
      while (WEEK_DAYS[date.getUTCDay()] !== weekStart) date.setUTCDate(date.getUTCDate() - 1);
      return date.toISOString();
    case 'day':
      return date.toISOString();
    default:
      return `${date.toISOString()} ${hour}`;
  }
}

function wallClock(timeZone: string): (instant: number) => WallClock {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' });
  return (instant) => {
    // 2026-05-03 10:15
    const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = format.format(instant).split(/[- :]/).map(Number);
    return { year, month, day, hour, minute };
  };
}
