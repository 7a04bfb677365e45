import { daysIntoWeek, type WeekDay } from './buckets.ts';
import { durationMs } from './duration.ts';
import { QuestionError, type Problem } from '../question/problem.ts';
import { instantOf, openZone, type Zone } from './zone.ts';

const DAY_MS = 86_400_000;
const LONGEST_MS = 100 * 366 * DAY_MS;
/** Event times are stored between these (DateTime64(3) reaches a little further, into April 2262). */
export const EARLIEST_MS = Date.UTC(1900, 0, 1);
export const LATEST_MS = Date.UTC(2262, 0, 1);

export interface TimeRange {
  fromMs: number;
  /** Exclusive. */
  toMs: number;
  zone: Zone;
}

interface Asked {
  from?: string;
  to?: string;
  range?: string;
  timezone?: string;
  weekStart?: WeekDay;
}

/** The range that a question asks for (rules Q1, Q2), taken at `nowMs`. Throws a QuestionError. */
export function timeRange(asked: Asked, nowMs: number): TimeRange {
  const zone = zoneOf(asked.timezone ?? 'UTC');
  if (asked.range !== undefined && (asked.from !== undefined || asked.to !== undefined)) {
    throw refuse('unsupported_combination', 'range', asked.range, 'range stands instead of from and to', 'Give either range, or from and to.');
  }
  const [fromMs, toMs] =
    asked.range === undefined ? fromTo(asked, zone, nowMs) : namedRange(asked.range, zone, nowMs, asked.weekStart);
  if (fromMs >= toMs) {
    const field = asked.range === undefined ? 'from' : 'range';
    throw refuse('empty_range', field, asked[field], 'from lies before to', `The range is empty: it starts at ${iso(fromMs)} and ends before ${iso(toMs)}.`);
  }
  if (toMs - fromMs > LONGEST_MS) {
    throw refuse('range_too_long', 'from', asked.from, 'at most 100 years', 'Ask for at most 100 years.');
  }
  return { fromMs, toMs, zone };
}

/** Epoch ms of a time as questions write it: RFC 3339, a date, `-7d`, `now`, `today`, `yesterday`. Throws a QuestionError. */
export function readTime(text: string, field: string, zone: Zone, nowMs: number): number {
  const found = named(text, zone, nowMs) ?? relative(text, nowMs) ?? calendar(text, zone);
  if (found !== undefined && found >= EARLIEST_MS && found <= LATEST_MS) return found;
  if (found !== undefined) throw refuse('invalid_time', field, text, 'in the years 1900 to 2261', `${field} lies outside the years 1900 to 2261.`);
  throw refuse('invalid_time', field, text, 'RFC 3339, a date, -15m, -24h, -7d, now, today or yesterday', `${field} is not a time; write 2026-05-03T10:00:00Z, 2026-05-03, -7d or today.`);
}

export function zoneOf(name: string): Zone {
  const zone = openZone(name);
  if (zone !== undefined) return zone;
  throw refuse('unknown_timezone', 'timezone', name, 'an IANA name', 'There is no such time zone; write an IANA name such as Europe/Berlin.');
}

function fromTo({ from, to }: Asked, zone: Zone, nowMs: number): [number, number] {
  const toMs = to === undefined ? nowMs : readTime(to, 'to', zone, nowMs);
  return [from === undefined ? toMs - 30 * DAY_MS : readTime(from, 'from', zone, nowMs), toMs];
}

function namedRange(text: string, zone: Zone, nowMs: number, weekStart: WeekDay = 'monday'): [number, number] {
  const last = /^last ([0-9]+[smhdw])$/.exec(text);
  if (last !== null) {
    const length = durationMs(last[1] ?? '');
    if (length !== undefined) return [nowMs - length, nowMs];
  }
  const today = startOfDay(zone, nowMs, 0);
  const localDay = new Date(Math.floor((nowMs + zone.offsetMs(nowMs)) / DAY_MS) * DAY_MS);
  const week = -daysIntoWeek(localDay.getTime(), weekStart);
  const month = (by: number): number => instantOf(zone, Date.UTC(localDay.getUTCFullYear(), localDay.getUTCMonth() + by, 1));
  switch (text) {
    case 'today':
      return [today, startOfDay(zone, nowMs, 1)];
    case 'yesterday':
      return [startOfDay(zone, nowMs, -1), today];
    case 'this week':
      return [startOfDay(zone, nowMs, week), startOfDay(zone, nowMs, week + 7)];
    case 'last week':
      return [startOfDay(zone, nowMs, week - 7), startOfDay(zone, nowMs, week)];
    case 'this month':
      return [month(0), month(1)];
    case 'last month':
      return [month(-1), month(0)];
    default:
      throw refuse('invalid_value', 'range', text, 'today, yesterday, last 7d, this week, last week, this month or last month', 'There is no such range; write yesterday or last 7d, or give from and to.');
  }
}

function named(text: string, zone: Zone, nowMs: number): number | undefined {
  if (text === 'now') return nowMs;
  if (text === 'today') return startOfDay(zone, nowMs, 0);
  if (text === 'yesterday') return startOfDay(zone, nowMs, -1);
  return text === 'tomorrow' ? startOfDay(zone, nowMs, 1) : undefined;
}

function relative(text: string, nowMs: number): number | undefined {
  const length = text.startsWith('-') ? durationMs(text.slice(1)) : undefined;
  return length === undefined ? undefined : nowMs - length;
}

const RFC3339 = /^(\d{4}-\d{2}-\d{2})(?:[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

function calendar(text: string, zone: Zone): number | undefined {
  const found = RFC3339.exec(text);
  if (found === null) return undefined;
  const [, date = '', clock = '00:00', seconds = ':00', offset] = found;
  // More digits than milliseconds are cut, not rounded: `to` must not reach into the next millisecond.
  const local = Date.parse(`${date}T${clock}${seconds.slice(0, 7)}Z`);
  if (Number.isNaN(local) || new Date(local).toISOString().slice(0, 10) !== date) return undefined;
  if (offset === undefined) return instantOf(zone, local);
  if (offset.toUpperCase() === 'Z') return local;
  const [hours = 0, minutes = 0] = offset.slice(1).split(':').map(Number);
  if (hours > 23 || minutes > 59) return undefined;
  return local - (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes) * 60_000;
}

/** First instant of the zone's date that lies `by` days from the one at `nowMs`. */
function startOfDay(zone: Zone, nowMs: number, by: number): number {
  return instantOf(zone, (Math.floor((nowMs + zone.offsetMs(nowMs)) / DAY_MS) + by) * DAY_MS);
}

function refuse(code: Problem['code'], field: string, value: unknown, rule: string, detail: string): QuestionError {
  return new QuestionError({ code, field, value, rule, detail });
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
