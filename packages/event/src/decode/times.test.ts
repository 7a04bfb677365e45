import fc from 'fast-check';
import { expect, test } from 'vitest';
import { FLAG } from '../event.ts';
import { clockSkewMs, eventTime } from './times.ts';

const RECEIVED = Date.UTC(2026, 4, 3, 10);
const MINUTE = 60_000;

test('T4: an offset within 120 seconds is ignored, either way', () => {
  for (const offset of [0, 1, 119_999, 120_000]) {
    expect(clockSkewMs(RECEIVED - offset, RECEIVED)).toBe(0);
    expect(clockSkewMs(RECEIVED + offset, RECEIVED)).toBe(0);
  }
});

test('T4: beyond it the offset is rounded to the minute and added', () => {
  expect(clockSkewMs(RECEIVED - 120_001, RECEIVED)).toBe(2 * MINUTE);
  expect(clockSkewMs(RECEIVED + 10 * MINUTE + 29_000, RECEIVED)).toBe(-10 * MINUTE);
  const { timeMs, originalTimeMs, flags } = eventTime(RECEIVED - 5000 - 3_600_000, RECEIVED - 3_600_000, RECEIVED);
  expect(timeMs).toBe(RECEIVED - 5000);
  expect(originalTimeMs).toBe(RECEIVED - 5000 - 3_600_000);
  expect(flags).toBe(FLAG.timestampGiven | FLAG.skewCorrected);
});

test('T4: two requests of one wrong clock are corrected alike in spite of jitter, so that order is kept', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 3, max: 1e6 }),
      fc.integer({ min: -29_000, max: 29_000 }),
      fc.integer({ min: -29_000, max: 29_000 }),
      (minutes, one, other) => {
        const sentAt = RECEIVED - minutes * MINUTE;
        expect(clockSkewMs(sentAt + one, RECEIVED)).toBe(clockSkewMs(sentAt + other, RECEIVED));
      },
    ),
  );
});

test('T5: after that, more than an hour ahead is set to receivedAt and flagged', () => {
  expect(eventTime(RECEIVED + 3_600_000, undefined, RECEIVED)).toMatchObject({
    timeMs: RECEIVED + 3_600_000,
    flags: FLAG.timestampGiven,
  });
  expect(eventTime(RECEIVED + 3_600_001, undefined, RECEIVED)).toEqual({
    timeMs: RECEIVED,
    originalTimeMs: RECEIVED + 3_600_001,
    flags: FLAG.timestampGiven | FLAG.futureClamped,
  });
  // A clock a day ahead that says so is corrected, not clamped.
  expect(eventTime(RECEIVED + 86_400_000, RECEIVED + 86_400_000, RECEIVED)).toMatchObject({ timeMs: RECEIVED });
});

test('T6: no timestamp means receivedAt, whatever sentAt says', () => {
  expect(eventTime(undefined, RECEIVED - 9e9, RECEIVED)).toEqual({
    timeMs: RECEIVED,
    originalTimeMs: RECEIVED,
    flags: 0,
  });
});

test("T4, T5: whatever the clocks say, no time is more than an hour ahead, and the client's own is kept", () => {
  const time = fc.integer({ min: 0, max: 9e12 });
  fc.assert(
    fc.property(time, fc.option(time, { nil: undefined }), time, (timestamp, sentAt, receivedAt) => {
      const corrected = eventTime(timestamp, sentAt, receivedAt);
      expect(corrected.timeMs).toBeLessThanOrEqual(receivedAt + 3_600_000);
      expect(corrected.originalTimeMs).toBe(timestamp);
      expect(corrected).toEqual(eventTime(timestamp, sentAt, receivedAt));
    }),
  );
});
