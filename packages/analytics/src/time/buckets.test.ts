import fc from 'fast-check';
import { bucketStarts as walked, WEEK_DAYS } from '@tidemark/model';
import { describe, expect, it } from 'vitest';
import { bucketStarts, GRANULARITIES } from './buckets.ts';
import { formatTime, openZone, type Zone } from './zone.ts';

const ZONES = [
  'UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Sao_Paulo', 'Asia/Beirut', 'Africa/Cairo',
  'Pacific/Apia', 'Asia/Gaza', 'America/Asuncion', 'Pacific/Chatham', 'Africa/Casablanca', 'Asia/Kolkata', 'America/St_Johns', 'Antarctica/Troll',
] as const;

function zone(name: string): Zone {
  const found = openZone(name);
  if (found === undefined) throw new Error(`no zone ${name}`);
  return found;
}

const HOUR_MS = 3_600_000;
const LENGTH_MS = { minute: HOUR_MS, hour: 60 * HOUR_MS, day: 20 * 24 * HOUR_MS, week: 40 * 24 * HOUR_MS, month: 100 * 24 * HOUR_MS };

describe('buckets (rule T2)', () => {
  it('begin where a wall clock in the zone says so, in any zone and at any time', () => {
    const situation = fc.record({
      name: fc.constantFrom(...ZONES),
      granularity: fc.constantFrom(...GRANULARITIES),
      weekStart: fc.constantFrom(...WEEK_DAYS),
      fromMs: fc.integer({ min: Date.UTC(1995, 0, 1), max: Date.UTC(2036, 0, 1) }),
      share: fc.double({ min: 0.001, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(situation, ({ name, granularity, weekStart, fromMs, share }) => {
        const toMs = fromMs + Math.ceil(LENGTH_MS[granularity] * share);
        expect(bucketStarts(zone(name), granularity, fromMs, toMs, 10_000, weekStart)).toEqual(walked(name, granularity, fromMs, toMs, weekStart));
      }),
      { numRuns: 150, interruptAfterTimeLimit: 30_000 },
    );
  });

  const shown = (name: string, granularity: (typeof GRANULARITIES)[number], from: string, to: string): string[] =>
    bucketStarts(zone(name), granularity, Date.parse(from), Date.parse(to), 10_000).map((start) => formatTime(zone(name), start));

  it('give a day 23, 24 or 25 hours', () => {
    expect(shown('Europe/Berlin', 'hour', '2026-03-28T23:00Z', '2026-03-29T22:00Z')).toHaveLength(23);
    expect(shown('Europe/Berlin', 'hour', '2026-10-24T22:00Z', '2026-10-25T23:00Z')).toHaveLength(25);
    expect(shown('Europe/Berlin', 'day', '2026-10-24T22:00Z', '2026-10-26T23:00Z')).toEqual([
      '2026-10-25T00:00:00.000+02:00', '2026-10-26T00:00:00.000+01:00',
    ]);
  });

  it('take a shift of half an hour: one hour is longer, one begins late', () => {
    expect(shown('Australia/Lord_Howe', 'hour', '2026-04-04T14:00Z', '2026-04-04T16:30Z')).toEqual([
      '2026-04-05T01:00:00.000+11:00', '2026-04-05T02:00:00.000+10:30',
    ]);
    expect(shown('Australia/Lord_Howe', 'hour', '2026-10-03T14:30Z', '2026-10-03T17:00Z')).toEqual([
      '2026-10-04T01:00:00.000+10:30', '2026-10-04T02:30:00.000+11:00', '2026-10-04T03:00:00.000+11:00',
    ]);
  });

  it('begin a day without midnight when it begins, and skip a day that was skipped', () => {
    expect(shown('America/Sao_Paulo', 'day', '2018-11-04T12:00Z', '2018-11-04T13:00Z')).toEqual(['2018-11-04T01:00:00.000-02:00']);
    expect(shown('Pacific/Apia', 'day', '2011-12-29T12:00Z', '2011-12-31T12:00Z')).toEqual([
      '2011-12-29T00:00:00.000-10:00', '2011-12-31T00:00:00.000+14:00', '2012-01-01T00:00:00.000+14:00',
    ]);
  });

  it('stop soon after the limit', () => {
    for (const granularity of GRANULARITIES) {
      expect(bucketStarts(zone('Europe/Berlin'), granularity, 0, Date.UTC(2100, 0, 1), 10).length).toBe(11);
    }
  });
});
