import { describe, expect, it } from 'vitest';
import { QuestionError } from '../question/problem.ts';
import { timeRange } from './range.ts';

const NOW_MS = Date.parse('2026-05-06T10:30:00.500Z'); // a Wednesday

function range(asked: Parameters<typeof timeRange>[0]): [string, string] {
  const { fromMs, toMs } = timeRange(asked, NOW_MS);
  return [new Date(fromMs).toISOString(), new Date(toMs).toISOString()];
}

function codeOf(asked: Parameters<typeof timeRange>[0]): string {
  try {
    timeRange(asked, NOW_MS);
  } catch (error) {
    if (error instanceof QuestionError) return `${error.problems[0].code} ${error.problems[0].field}`;
  }
  return 'none';
}

describe('a range (rules Q1, Q2)', () => {
  it('is the last 30 days unless it is said', () => {
    expect(range({})).toEqual(['2026-04-06T10:30:00.500Z', '2026-05-06T10:30:00.500Z']);
    expect(range({ to: '2026-05-01' })).toEqual(['2026-04-01T00:00:00.000Z', '2026-05-01T00:00:00.000Z']);
  });

  it('reads every way to write a time', () => {
    const from = (text: string, timezone?: string): string => range({ from: text, to: '2026-12-31', ...(timezone !== undefined && { timezone }) })[0];
    expect(from('2026-05-03T10:00:00.123Z')).toBe('2026-05-03T10:00:00.123Z');
    expect(from('2026-05-03T10:00:00.1239Z')).toBe('2026-05-03T10:00:00.123Z');
    expect(from('2026-05-03t10:00z')).toBe('2026-05-03T10:00:00.000Z');
    expect(from('2026-05-03T10:00:00+05:45')).toBe('2026-05-03T04:15:00.000Z');
    expect(from('2026-05-03T10:00:00-03:30')).toBe('2026-05-03T13:30:00.000Z');
    expect(from('2026-05-03T10:00', 'Asia/Kathmandu')).toBe('2026-05-03T04:15:00.000Z');
    expect(from('2026-05-03', 'America/New_York')).toBe('2026-05-03T04:00:00.000Z');
    expect(from('-15m')).toBe('2026-05-06T10:15:00.500Z');
    expect(from('-24h')).toBe('2026-05-05T10:30:00.500Z');
    expect(from('-7d')).toBe('2026-04-29T10:30:00.500Z');
    expect(from('now')).toBe('2026-05-06T10:30:00.500Z');
    expect(from('today', 'Asia/Kathmandu')).toBe('2026-05-05T18:15:00.000Z');
    expect(from('yesterday')).toBe('2026-05-05T00:00:00.000Z');
    expect(from('tomorrow')).toBe('2026-05-07T00:00:00.000Z');
  });

  it('takes the earlier of two, and the end of a gap', () => {
    expect(range({ from: '2026-10-25T02:30', to: '2026-12-01', timezone: 'Europe/Berlin' })[0]).toBe('2026-10-25T00:30:00.000Z');
    expect(range({ from: '2026-03-29T02:30', to: '2026-12-01', timezone: 'Europe/Berlin' })[0]).toBe('2026-03-29T01:00:00.000Z');
  });

  it('knows ranges by name, in the zone', () => {
    expect(range({ range: 'last 7d' })).toEqual(['2026-04-29T10:30:00.500Z', '2026-05-06T10:30:00.500Z']);
    expect(range({ range: 'today' })).toEqual(['2026-05-06T00:00:00.000Z', '2026-05-07T00:00:00.000Z']);
    expect(range({ range: 'yesterday', timezone: 'Pacific/Auckland' })).toEqual(['2026-05-04T12:00:00.000Z', '2026-05-05T12:00:00.000Z']);
    expect(range({ range: 'this week' })).toEqual(['2026-05-04T00:00:00.000Z', '2026-05-11T00:00:00.000Z']);
    expect(range({ range: 'last week' })).toEqual(['2026-04-27T00:00:00.000Z', '2026-05-04T00:00:00.000Z']);
    expect(range({ range: 'this week', weekStart: 'thursday' })).toEqual(['2026-04-30T00:00:00.000Z', '2026-05-07T00:00:00.000Z']);
    expect(range({ range: 'last week', weekStart: 'wednesday' })).toEqual(['2026-04-29T00:00:00.000Z', '2026-05-06T00:00:00.000Z']);
    expect(range({ range: 'this month' })).toEqual(['2026-05-01T00:00:00.000Z', '2026-06-01T00:00:00.000Z']);
    expect(range({ range: 'last month', timezone: 'Europe/Berlin' })).toEqual(['2026-03-31T22:00:00.000Z', '2026-04-30T22:00:00.000Z']);
  });

  it('is refused by code and field', () => {
    expect(codeOf({ from: '2026-05-03', to: '2026-05-03' })).toBe('empty_range from');
    expect(codeOf({ from: 'tomorrow' })).toBe('empty_range from');
    expect(codeOf({ range: 'yesterday', from: '-1d' })).toBe('unsupported_combination range');
    expect(codeOf({ range: 'last year or so' })).toBe('invalid_value range');
    expect(codeOf({ range: 'last 400d' })).toBe('invalid_value range');
    expect(codeOf({ from: '1901-01-01', to: '2101-01-01' })).toBe('range_too_long from');
    for (const from of ['soon', '2026-02-30', '2026-13-01', '2026-05-03T25:00Z', '2026-05-03T10:00+25:00', '1000-01-01', '9999-01-01', '-0d', '-1y', '', '1777777777']) {
      expect([from, codeOf({ from })]).toEqual([from, 'invalid_time from']);
    }
    expect(() => timeRange({ from: '1000-01-01' }, NOW_MS)).toThrow('outside the years 1900 to 2261');
    for (const timezone of ['Mars/Olympus', '', 'Europe/Berlin'.repeat(20), '+02:00', "UTC'; --", 'Europe/Berlin\0']) {
      expect([timezone, codeOf({ timezone })]).toEqual([timezone, 'unknown_timezone timezone']);
    }
  });
});
