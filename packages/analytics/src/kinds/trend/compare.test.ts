import { describe, expect, it } from 'vitest';
import { timeRange } from '../../time/range.ts';
import { formatTime } from '../../time/zone.ts';
import { earlierRange } from './compare.ts';
import type { Question } from './question.ts';

function earlier(timezone: string, from: string, to: string, compare: string, granularity: Question['granularity'] = 'day'): string[] {
  const range = timeRange({ timezone, from, to }, Date.UTC(2026, 10, 23));
  const { fromMs, toMs } = earlierRange({ series: [{}], compare, granularity }, range)!;
  return [formatTime(range.zone, fromMs), formatTime(range.zone, toMs)];
}

describe('the range that is compared with (rule T7)', () => {
  it('is of whole days where the range is, though clocks were changed in one of the two', () => {
    expect(earlier('Europe/Berlin', '2026-03-29', '2026-04-01', '7d')).toEqual(['2026-03-22T00:00:00.000+01:00', '2026-03-25T00:00:00.000+01:00']);
    expect(earlier('Europe/Berlin', '2026-10-26', '2026-11-02', '1w')).toEqual(['2026-10-19T00:00:00.000+02:00', '2026-10-26T00:00:00.000+01:00']);
    expect(earlier('Europe/Berlin', '2026-03-30', '2026-04-06', 'previous')).toEqual(['2026-03-23T00:00:00.000+01:00', '2026-03-30T00:00:00.000+02:00']);
    expect(earlier('Australia/Lord_Howe', '2026-04-06', '2026-04-08', 'previous')).toEqual(['2026-04-04T00:00:00.000+11:00', '2026-04-06T00:00:00.000+10:30']);
    // On 6 September 2026 the day begins at 01:00 in Santiago.
    expect(earlier('America/Santiago', '2026-09-07', '2026-09-08', '1d')).toEqual(['2026-09-06T01:00:00.000-03:00', '2026-09-07T00:00:00.000-03:00']);
  });

  it('is of whole months where points are months, of so many days else', () => {
    expect(earlier('Europe/Berlin', '2026-03-01', '2026-05-01', 'previous', 'month')).toEqual(['2026-01-01T00:00:00.000+01:00', '2026-03-01T00:00:00.000+01:00']);
    expect(earlier('UTC', '2026-01-01', '2026-02-01', 'previous', 'month')).toEqual(['2025-12-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z']);
    expect(earlier('UTC', '2026-03-01', '2026-04-01', 'previous')).toEqual(['2026-01-29T00:00:00.000Z', '2026-03-01T00:00:00.000Z']);
    expect(earlier('UTC', '2026-03-02', '2026-04-01', 'previous', 'month')).toEqual(['2026-01-31T00:00:00.000Z', '2026-03-02T00:00:00.000Z']);
  });

  it('is just so many hours earlier where hours are meant', () => {
    expect(earlier('Europe/Berlin', '2026-03-30', '2026-03-31', '24h')).toEqual(['2026-03-28T23:00:00.000+01:00', '2026-03-30T00:00:00.000+02:00']);
    expect(earlier('Europe/Berlin', '2026-03-29T12:00', '2026-03-30', 'previous')).toEqual(['2026-03-28T23:00:00.000+01:00', '2026-03-29T12:00:00.000+02:00']);
    expect(earlier('Europe/Berlin', '2026-03-30T02:30', '2026-03-30T04:00', '1d')).toEqual(['2026-03-29T03:00:00.000+02:00', '2026-03-29T04:00:00.000+02:00']);
  });

  it('is never empty, though clocks showed nothing of the part of an hour that is asked for', () => {
    expect(earlier('Europe/Berlin', '2026-03-30T02:10', '2026-03-30T02:20', '1d')).toEqual(['2026-03-29T03:00:00.000+02:00', '2026-03-29T03:10:00.000+02:00']);
  });
});
