/** Reads the two forms of time on the wire: RFC 3339 text with a zone, and epoch milliseconds as a number. */
import { LIMITS } from '../limits.ts';

/**
 * Numbers from here to there are seconds, not milliseconds: as milliseconds they lie between 2 January 1970 and March
 * 1973, as seconds between 1973 and 5138. Guessing would be right until it silently isn't, so they are refused (T2).
 */
const SECONDS_FROM = 1e8;
const SECONDS_TO = 1e11;

/** Epoch milliseconds (fractions dropped), or NaN for what is no time; `explainTimestamp` then says why. */
export function parseTimestamp(value: unknown): number {
  if (typeof value === 'string') return inRange(parseRfc3339(value));
  if (typeof value !== 'number' || (value >= SECONDS_FROM && value < SECONDS_TO)) return NaN;
  return inRange(Math.floor(value));
}

/** Why `parseTimestamp(value)` gave NaN. */
export function explainTimestamp(value: unknown): {
  code: 'invalid_timestamp' | 'timestamp_out_of_range';
  detail: string;
} {
  const form = 'send RFC 3339 with a zone, like "2026-05-03T10:00:00.123Z", or epoch milliseconds as a number';
  if (typeof value === 'number') {
    if (value >= SECONDS_FROM && value < SECONDS_TO) {
      return { code: 'invalid_timestamp', detail: `${value} looks like seconds; send milliseconds (${value * 1000}).` };
    }
    return {
      code: 'timestamp_out_of_range',
      detail: `${value} lies outside 1970-2261; check the clock of the device.`,
    };
  }
  if (typeof value !== 'string') {
    return { code: 'invalid_timestamp', detail: `A time is text or a number, not ${nameOfType(value)}; ${form}.` };
  }
  const shown = JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Number.isNaN(parseRfc3339(value))) return { code: 'invalid_timestamp', detail: `${shown} is no time; ${form}.` };
  return { code: 'timestamp_out_of_range', detail: `${shown} lies outside 1970-2261; check the clock of the device.` };
}

function nameOfType(value: unknown): string {
  return Array.isArray(value)
    ? 'an array'
    : value === null
      ? 'null'
      : typeof value === 'object'
        ? 'an object'
        : `a ${typeof value}`;
}

function inRange(ms: number): number {
  return ms >= LIMITS.minTimeMs && ms <= LIMITS.maxTimeMs ? ms : NaN;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const ZERO = 48;

/**
 * RFC 3339 section 5.6 to epoch milliseconds, NaN when it is not one. By hand because `Date.parse` takes 30 February
 * for 2 March, takes times without a zone for local ones, and accepts much else. Also taken: a space for the T (the
 * note in 5.6), an offset without its colon (ISO 8601's basic form, which Java and Python write), second 60 (a leap
 * second, counted as the next second). Digits beyond milliseconds are dropped.
 */
function parseRfc3339(text: string): number {
  const { length } = text;
  // "2026-05-03T10:00:00Z" is the shortest; nine digits of fraction and "+hh:mm" make 35.
  if (length < 20 || length > 40) return NaN;
  if (
    text.charCodeAt(4) !== 45 ||
    text.charCodeAt(7) !== 45 ||
    text.charCodeAt(13) !== 58 ||
    text.charCodeAt(16) !== 58
  )
    return NaN;
  const t = text.charCodeAt(10);
  if (t !== 84 && t !== 116 && t !== 32) return NaN; // T, t or space
  const year = two(text, 0) * 100 + two(text, 2);
  const month = two(text, 5);
  const day = two(text, 8);
  const hour = two(text, 11);
  const minute = two(text, 14);
  const second = two(text, 17);
  if (!(month >= 1 && month <= 12 && day >= 1 && day <= daysIn(year, month))) return NaN;
  if (!(hour <= 23 && minute <= 59 && (second <= 59 || (second === 60 && minute === 59)))) return NaN;

  let at = 19;
  let ms = 0;
  if (text.charCodeAt(at) === 46) {
    let scale = 100;
    let digit = digitAt(text, ++at);
    if (digit !== digit) return NaN;
    while (digit === digit) {
      ms += Math.trunc(digit * scale);
      scale /= 10;
      if (scale < 1) scale = 0;
      digit = digitAt(text, ++at);
    }
  }
  const offset = offsetMinutes(text, at);
  if (offset !== offset) return NaN;
  // Date.UTC reads the years 0 to 99 as 1900 to 1999; all of them are out of range either way, so say so here.
  if (year < 100) return -1;
  return midnight(year, month, day) + ((hour * 60 + minute - offset) * 60 + second) * 1000 + ms;
}

/** The day asked for last and its beginning: events are nearly all of one day, and Date.UTC takes as long as all the rest. */
let lastDay = NaN;
let lastMidnightMs = NaN;

function midnight(year: number, month: number, day: number): number {
  const asked = (year * 100 + month) * 100 + day;
  if (asked !== lastDay) {
    lastDay = asked;
    lastMidnightMs = Date.UTC(year, month - 1, day);
  }
  return lastMidnightMs;
}

/** Minutes east of UTC that the zone at `at` says, NaN when there is no zone or more than one. */
function offsetMinutes(text: string, at: number): number {
  const sign = text.charCodeAt(at);
  if (sign === 90 || sign === 122) return at + 1 === text.length ? 0 : NaN; // Z, z
  if (sign !== 43 && sign !== 45) return NaN;
  const colon = text.charCodeAt(at + 3) === 58 ? 1 : 0;
  if (text.length !== at + 5 + colon) return NaN;
  const hours = two(text, at + 1);
  const minutes = two(text, at + 3 + colon);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  return (sign === 43 ? 1 : -1) * (hours * 60 + minutes);
}

function two(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO;
  return digit >= 0 && digit <= 9 ? digit : NaN;
}

function daysIn(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (DAYS[month - 1] ?? 0);
}
