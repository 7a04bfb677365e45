/**
 * Local time of an IANA zone, from the rules in Node's own ICU data. ClickHouse has its own copy of the zone rules;
 * buckets are computed here only, so that the points of an answer and the rows that fall into them can't disagree.
 */
const DAY_MS = 86_400_000;

export interface Zone {
  name: string;
  /** What to add to UTC for local time at an instant; both in ms. */
  offsetMs(epochMs: number): number;
}

/** A zone by its IANA name, or undefined when there is none of that name. */
export function openZone(name: string): Zone | undefined {
  if (name === 'UTC') return { name, offsetMs: () => 0 };
  let format: Intl.DateTimeFormat;
  try {
    // An offset such as `+02:00` is a legal time zone in newer ICU data but no IANA name.
    if (/^[+-]/.test(name)) return undefined;
    format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    return undefined;
  }
  return { name, offsetMs: (epochMs) => localClock(format, epochMs) - Math.floor(epochMs / 1000) * 1000 };
}

/** The zone's clock at an instant, read as if it were UTC, to the second. */
function localClock(format: Intl.DateTimeFormat, epochMs: number): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of format.formatToParts(epochMs)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

/**
 * The first instant at which the zone's clock shows `localMs` (a local time read as if it were UTC) or later: the
 * earlier of two where clocks go back, the end of the gap where they go forward (some zones skip midnight).
 */
export function instantOf(zone: Zone, localMs: number): number {
  const before = zone.offsetMs(localMs - DAY_MS);
  const after = zone.offsetMs(localMs + DAY_MS);
  for (const offset of before >= after ? [before, after] : [after, before]) {
    const instant = localMs - offset;
    if (zone.offsetMs(instant) === offset) return instant;
  }
  return firstInstant(localMs - Math.max(before, after), localMs - Math.min(before, after), (instant) => instant + zone.offsetMs(instant) >= localMs);
}

/** The instants in (fromMs, toMs] from which the zone's offset is another than just before. */
export function transitions(zone: Zone, fromMs: number, toMs: number): number[] {
  const found: number[] = [];
  for (let start = fromMs; start < toMs; start += DAY_MS) {
    const end = Math.min(start + DAY_MS, toMs);
    const offset = zone.offsetMs(start);
    if (zone.offsetMs(end) === offset) continue;
    found.push(firstInstant(start, end, (instant) => zone.offsetMs(instant) !== offset));
  }
  return found;
}

/** The first whole second in (low, high] at which `holds`; it doesn't at low and does at high. */
function firstInstant(low: number, high: number, holds: (instant: number) => boolean): number {
  let lowS = Math.floor(low / 1000);
  let highS = Math.ceil(high / 1000);
  while (highS - lowS > 1) {
    const middle = Math.floor((lowS + highS) / 2);
    if (holds(middle * 1000)) highS = middle;
    else lowS = middle;
  }
  return highS * 1000;
}

/** RFC 3339 with milliseconds: `…Z` in UTC, with the zone's offset elsewhere. */
export function formatTime(zone: Zone, epochMs: number): string {
  if (zone.name === 'UTC') return new Date(epochMs).toISOString();
  const offset = zone.offsetMs(epochMs);
  const minutes = Math.round(Math.abs(offset) / 60_000);
  const clock = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return `${new Date(epochMs + offset).toISOString().slice(0, -1)}${offset < 0 ? '-' : '+'}${clock}`;
}
