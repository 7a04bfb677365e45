import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LIMITS } from '../limits.ts';
import { explainTimestamp, parseTimestamp } from './timestamp.ts';

describe('T1: RFC 3339 with a zone', () => {
  test('every time that Date writes is read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: LIMITS.minTimeMs, max: LIMITS.maxTimeMs }), (ms) => {
        expect(parseTimestamp(new Date(ms).toISOString())).toBe(ms);
      }),
      { numRuns: 1000 },
    );
  });

  test('an offset moves the time by itself, with and without its colon', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1e12, max: 4e12 }),
        fc.integer({ min: -1439, max: 1439 }),
        fc.boolean(),
        (ms, minutes, colon) => {
          const size = Math.abs(minutes);
          const two = (value: number): string => String(value).padStart(2, '0');
          const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon ? ':' : ''}${two(size % 60)}`;
          expect(parseTimestamp(new Date(ms).toISOString().replace('Z', zone))).toBe(ms - minutes * 60_000);
        },
      ),
    );
  });

  test.each([
    ['2026-05-03T10:00:00Z', Date.UTC(2026, 4, 3, 10)],
    ['2026-05-03t10:00:00z', Date.UTC(2026, 4, 3, 10)],
    ['2026-05-03 10:00:00.5Z', Date.UTC(2026, 4, 3, 10, 0, 0, 500)],
    ['2026-05-03T10:00:00.123999999Z', Date.UTC(2026, 4, 3, 10, 0, 0, 123)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2016-12-31T23:59:60Z', Date.UTC(2017, 0, 1)],
  ])('%s is a time', (text, ms) => expect(parseTimestamp(text)).toBe(ms));

  test.each([
    '',
    'now',
    '2026-05-03',
    '2026-05-03T10:00:00',
    '2026-05-03T10:00Z',
    '2026-5-3T10:00:00Z',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-10T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-05-03T24:00:00Z',
    '2026-05-03T10:60:00Z',
    '2026-05-03T10:00:61Z',
    '2026-05-03T10:00:60Z',
    '2026-05-03T10:00:00.Z',
    '2026-05-03T10:00:00+24:00',
    '2026-05-03T10:00:00+1:00',
    '2026-05-03T10:00:00Z ',
    ' 2026-05-03T10:00:00Z',
    '2026-05-03T10:00:00ZZ',
    '2026-05-03T10:00:00 Europe/Warsaw',
    '1714730400123',
    '+002026-05-03T10:00:00Z',
  ])('%s is none', (text) => {
    expect(parseTimestamp(text)).toBeNaN();
    expect(explainTimestamp(text).code).toBe('invalid_timestamp');
  });

  test('whatever the text, the answer is a time in range or NaN', () => {
    const nearly = fc.stringMatching(
      /^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})$/,
    );
    fc.assert(
      fc.property(fc.oneof(nearly, fc.string()), (text) => {
        const ms = parseTimestamp(text);
        expect(Number.isNaN(ms) || (Number.isInteger(ms) && ms >= LIMITS.minTimeMs && ms <= LIMITS.maxTimeMs)).toBe(
          true,
        );
      }),
      { numRuns: 1000 },
    );
  });
});

describe('T2: epoch milliseconds', () => {
  test('numbers are milliseconds; fractions are dropped', () => {
    expect(parseTimestamp(1_714_730_400_123)).toBe(1_714_730_400_123);
    expect(parseTimestamp(1_714_730_400_123.9)).toBe(1_714_730_400_123);
    expect(parseTimestamp(0)).toBe(0);
  });

  test('what looks like seconds is refused, with the number that was meant', () => {
    expect(parseTimestamp(1_714_730_400)).toBeNaN();
    expect(explainTimestamp(1_714_730_400)).toEqual({
      code: 'invalid_timestamp',
      detail: '1714730400 looks like seconds; send milliseconds (1714730400000).',
    });
  });

  test.each([true, [], {}, NaN, Infinity, -1])('%j is no time', (value) => {
    expect(parseTimestamp(value)).toBeNaN();
    expect(explainTimestamp(value).detail).not.toBe('');
  });
});

test.each([
  '1969-12-31T23:59:59Z',
  '1970-01-01T00:00:00+05:00',
  '2262-01-01T00:00:00Z',
  '9999-12-31T23:59:59Z',
  '0001-01-01T00:00:00Z',
  1e17,
])('T3: %s is a time out of range', (value) => {
  expect(parseTimestamp(value)).toBeNaN();
  expect(explainTimestamp(value).code).toBe('timestamp_out_of_range');
});
