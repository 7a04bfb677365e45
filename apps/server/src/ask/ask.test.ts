import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandProblem } from '../command.ts';
import { bar, barRows, duration, sparkline } from './bars.ts';
import { drawFunnel, drawTimeline, drawTrend } from './draw.ts';
import { drawAttribution, drawRetention } from './draw-tables.ts';
import { buildQuestion, conditionOf } from './question.ts';

const meta = {
  asOf: '2026-05-03T10:00:00.000Z',
  completeThrough: '',
  provisionalFrom: null,
  rowsRead: 1_234,
  elapsedMs: 5,
};

describe('a question in flags', () => {
  it('becomes the question of the API', () => {
    const flags = { event: ['purchase', 'refund'], measure: 'sum:properties.price', last: '7d', by: ['context.os'] };
    expect(buildQuestion('trend', undefined, flags)).toEqual({
      series: [
        { event: 'purchase', measure: { sum: 'properties.price' } },
        { event: 'refund', measure: { sum: 'properties.price' } },
      ],
      range: 'last 7d',
      breakdown: ['context.os'],
    });
    expect(buildQuestion('funnel', undefined, { steps: 'a, b,c', window: '1h', 'include-bots': true })).toEqual({
      steps: [{ event: 'a' }, { event: 'b' }, { event: 'c' }],
      window: '1h',
      includeBots: true,
    });
  });

  it('asks for cohorts and conversions', () => {
    expect(buildQuestion('retention', undefined, { start: 'signup', period: 'week' })).toEqual({ start: { event: 'signup' }, return: {}, period: 'week' });
    expect(buildQuestion('attribution', undefined, { conversion: 'buy', value: 'properties.price', lookback: '7d' })).toEqual({ conversion: { event: 'buy', value: 'properties.price' }, lookback: '7d' });
  });

  it('lies over the question given as JSON', () => {
    expect(buildQuestion('trend', '{"series":[{"event":"x"}],"range":"today"}', { range: 'yesterday' })).toEqual({
      series: [{ event: 'x' }],
      range: 'yesterday',
    });
    for (const json of ['{', '[]', '1', 'null', 'purchase']) {
      expect(() => buildQuestion('trend', json, {})).toThrow(CommandProblem);
    }
  });

  it.each([
    ['context.os=iOS', { property: 'context.os', op: '=', value: 'iOS' }],
    ['properties.price >= 10.5', { property: 'properties.price', op: '>=', value: 10.5 }],
    ['properties.size=5', { property: 'properties.size', op: 'in', value: ['5', 5] }],
    ['properties.size!=5', { property: 'properties.size', op: 'not_in', value: ['5', 5] }],
    ['properties.size="5"', { property: 'properties.size', op: '=', value: '5' }],
    ['properties.new=true', { property: 'properties.new', op: '=', value: true }],
    ['properties.url~a=b', { property: 'properties.url', op: 'contains', value: 'a=b' }],
    ['properties.url!~a', { property: 'properties.url', op: 'not_contains', value: 'a' }],
    ['properties.coupon is_not_set', { property: 'properties.coupon', op: 'is_not_set' }],
  ])('reads the condition %s', (text, condition) => {
    expect(conditionOf(text)).toEqual(condition);
  });

  it('says how to write a condition it can not read', () => {
    expect(() => conditionOf('just words')).toThrow("The condition 'just words' can't be read.");
  });
});

describe('bars', () => {
  it('never leave their width, show the least above nothing, and grow with the share', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 2, noNaN: true }), fc.integer({ min: 1, max: 80 }), (share, width) => {
        expect(bar(share, width).length).toBeLessThanOrEqual(width);
        expect(bar(share, width) === '').toBe(share === 0);
        expect(bar(share, width).length).toBeGreaterThanOrEqual(bar(share / 2, width).length);
      }),
    );
  });

  it('are aligned, and names from outside can not move the cursor', () => {
    const rows = barRows(
      [
        { label: 'a\u001b[2J', value: 1 },
        { label: 'longer name', value: 2 },
      ],
      40,
    );
    expect(rows[0]).not.toContain('\u001b');
    expect(rows[0]!.indexOf('█')).toBe(rows[1]!.indexOf('█'));
  });

  it('of nothing are empty', () => {
    expect(barRows([{ label: 'x', value: 0 }], 40)).toEqual(['  x  0']);
    expect(sparkline([0, 0])).toBe('▁▁');
    expect(duration(null)).toBe('-');
  });
});

describe('drawings', () => {
  it('of a trend show each bucket, or a line for each group', () => {
    const points = [
      { time: '2026-05-01T00:00:00+00:00', value: 2 },
      { time: '2026-05-02T14:00:00+00:00', value: 4 },
    ];
    const one = drawTrend({ series: [{ label: 'purchase', breakdown: [], total: 6, points }], meta }, 80);
    expect(one).toMatch(/^purchase: 6$/m);
    expect(one).toMatch(/^ {2}2026-05-01 +2 +█+.?$/m);
    expect(one).toMatch(/^ {2}2026-05-02 14:00 +4 +█+.?$/m);
    const two = drawTrend(
      { series: ['iOS', 'Android'].map((os) => ({ label: 'purchase', breakdown: [os], total: 6, points })), meta },
      80,
    );
    expect(two).toMatch(/purchase · Android +6 /);
    expect(two).toContain('▅█');
    expect(drawTrend({ series: [], meta }, 80)).toContain('No series.');
  });

  it('of a funnel show who stays and who leaves', () => {
    const step = { fromStart: 1, fromPrevious: 1, dropOff: 0, medianSeconds: null, p90Seconds: null };
    const steps = [
      { ...step, event: 'view', users: 200 },
      {
        event: 'buy',
        users: 50,
        fromStart: 0.25,
        fromPrevious: 0.25,
        dropOff: 150,
        medianSeconds: 90,
        p90Seconds: 7_200,
      },
    ];
    const drawn = drawFunnel({ steps, breakdowns: [{ breakdown: ['mobile'], steps }], meta }, 80);
    expect(drawn).toContain('150 left (75.0 %); median 1.5 min, p90 2.0 h');
    expect(drawn).toMatch(/^mobile$/m);
    expect(drawFunnel({ steps: [], breakdowns: [], meta }, 80)).toContain('1,234 rows');
  });

  it('of a timeline show time, name and properties', () => {
    const events = [{ timestamp: '2026-05-03T10:00:00.123Z', eventName: 'buy', properties: { price: 9.5, sku: 'a' } }];
    expect(drawTimeline({ events, nextCursor: 'abc' }, 80)).toBe(
      '  2026-05-03 10:00:00.123  buy  price=9.5 sku="a"\n\nThere are more: --cursor abc\n',
    );
    expect(drawTimeline({ events: [] }, 80)).toBe('No events in this range.\n');
  });
});

describe('a table', () => {
  it('shows cohorts, what is not over, and the mean', () => {
    const cohorts = [
      { start: '2026-05-01T00:00:00.000Z', size: 1200, rates: [1, 0.25], unfinishedFrom: null },
      { start: '2026-05-02T00:00:00.000Z', size: 7, rates: [0.5, null], unfinishedFrom: 0 },
    ];
    const drawn = drawRetention({ columns: ['0', '1-2'], cohorts, mean: { size: 1207, rates: [1, null] }, breakdowns: [], meta });
    expect(drawn.split('\n').slice(0, 4)).toEqual([
      '              people        0     1-2',
      '  2026-05-01   1,200  100.0 %  25.0 %',
      '  2026-05-02       7  50.0 %*',
      '  mean         1,207  100.0 %',
    ]);
  });

  it('shows what each model gives to each group', () => {
    const models = (n: number) => ({ linear: { conversions: n, value: n * 10 }, last_touch: { conversions: 1, value: 10 } });
    const drawn = drawAttribution({ conversions: 3, value: 30, users: 2, withoutTouch: 1, breakdowns: [{ breakdown: ['e\u001bmail'], models: models(1.5) }], meta });
    expect(drawn.split('\n').slice(0, 4)).toEqual(['3 conversions of 2 people, worth 30; 1 without a touch', '', '            linear  last_touch', '  e·mail  1.5 (15)      1 (10)']);
  });
});
