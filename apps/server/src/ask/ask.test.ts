import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CommandProblem } from '../command.ts';
import { bar, barRows, duration, sparkline } from './bars.ts';
import { drawTimeline } from './draw-timeline.ts';
import { drawExperiment } from './draw-experiment.ts';
import { drawFunnel } from './draw-funnel.ts';
import { drawCohort, drawListed, drawPaths, drawSessions } from './draw-people.ts';
import { drawAttribution, drawRetention, drawRows } from './draw-tables.ts';
import { drawTrend } from './draw-trend.ts';
import { buildQuestion, conditionOf } from './question.ts';
import { requestOf } from './request.ts';

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
    expect(buildQuestion('trend', undefined, [], flags)).toEqual({
      series: [
        { event: 'purchase', measure: { sum: 'properties.price' } },
        { event: 'refund', measure: { sum: 'properties.price' } },
      ],
      range: 'last 7d',
      breakdown: ['context.os'],
    });
    expect(buildQuestion('funnel', undefined, [], { steps: 'a, b,c', window: '1h', 'include-bots': true })).toEqual({
      steps: [{ event: 'a' }, { event: 'b' }, { event: 'c' }],
      window: '1h',
      includeBots: true,
    });
  });

  it('asks for cohorts and conversions', () => {
    expect(buildQuestion('retention', undefined, [], { start: 'signup', period: 'week' })).toEqual({ start: { event: 'signup' }, return: {}, period: 'week' });
    expect(buildQuestion('attribution', undefined, [], { conversion: 'buy', value: 'properties.price', lookback: '7d' })).toEqual({ conversion: { event: 'buy', value: 'properties.price' }, lookback: '7d' });
  });

  it('names any field of any kind, with lists that grow, and JSON where a value reads as such', () => {
    const fields = ['after.event=view', 'hide[]=login', 'hide[]=alias', 'steps=4', 'collapse=false', 'group[0].pattern=^/p/', 'group[0].name=a page', 'by="4"', 'where=[{"property":"userId","op":"is_set"}]', 'from='];
    expect(buildQuestion('paths', undefined, fields, { last: '7d' })).toEqual({
      after: { event: 'view' }, hide: ['login', 'alias'], steps: 4, collapse: false, group: [{ pattern: '^/p/', name: 'a page' }], by: '4',
      where: [{ property: 'userId', op: 'is_set' }], from: '', range: 'last 7d',
    });
    expect(buildQuestion('retention', undefined, ['start.event=a=b'], {})).toEqual({ start: { event: 'a=b' }, return: {} });
    expect(buildQuestion('funnel', '{"steps":[{"event":"x"}]}', ['steps[0].event=y', 'steps[1].event=z', 'steps[].event=w'], {})).toEqual({ steps: [{ event: 'y' }, { event: 'z' }, { event: 'w' }] });
    expect(buildQuestion('sql', undefined, ['query=SELECT a = 1', 'params.x=1'], {})).toEqual({ query: 'SELECT a = 1', params: { x: 1 } });
    for (const words of [['purchase'], ['=1'], ['a..b=1'], ['a[1]=1'], ['a[x]=1'], ['a=1', 'a.b=1'], ['a.b=1', 'a[0]=1'], ['a[]=1', 'a.b=1'], ['__proto__.x=1']]) {
      expect(() => buildQuestion('trend', undefined, words, {}), words.join(' ')).toThrow(CommandProblem);
    }
    expect(buildQuestion('trend', undefined, ['constructor.prototype.x=1'], {})).toHaveProperty('constructor', { prototype: { x: 1 } });
    expect('x' in {}).toBe(false);
  });

  it('lies over the question given as JSON', () => {
    expect(buildQuestion('trend', '{"series":[{"event":"x"}],"range":"today"}', [], { range: 'yesterday' })).toEqual({
      series: [{ event: 'x' }],
      range: 'yesterday',
    });
    for (const json of ['{', '[]', '1', 'null', 'purchase']) {
      expect(() => buildQuestion('trend', json, [], {})).toThrow(CommandProblem);
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

describe('a request', () => {
  const access = { url: 'http://t', token: 'k', release: async () => {} };
  const [question, token] = [{ range: 'last 7d', includeBots: true }, 'k'];

  it('asks in full, or by name with what is to be other than saved', () => {
    expect(requestOf({ kind: 'funnel', question }, access)).toEqual({ url: 'http://t/api/analytics/funnel', method: 'POST', token, body: question });
    expect(requestOf({ kind: 'a/b', question, name: 'check&out é' }, access)).toEqual({ url: 'http://t/api/analytics/a%2Fb?name=check%26out+%C3%A9&range=last+7d&includeBots=true', token });
  });

  it('asks for the people of a number, of a saved question too', () => {
    const cell = { step: 2 };
    expect(requestOf({ kind: 'cohort', question: {}, people: true }, access)).toEqual({ url: 'http://t/api/analytics/cohort/people', method: 'POST', token, body: { cell: {} } });
    expect(requestOf({ kind: 'funnel', question: { cell, pageSize: 2 }, name: 'checkout', people: true, cursor: 'c' }, access)).toMatchObject({ body: { name: 'checkout', cell, pageSize: 2, cursor: 'c' } });
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

  it('of a trend show what it is compared with, and on how many days people come', () => {
    const points = [{ time: '2026-05-02T00:00:00+00:00', value: 3 }];
    const before = { from: '2026-05-01T00:00:00+00:00', to: '2026-05-02T00:00:00+00:00', total: 4, points: [{ time: '2026-05-01T00:00:00+00:00', value: 4 }] };
    const series = { label: 'buy', breakdown: [], total: 3, points, compare: before };
    const one = drawTrend({ series: [series], meta }, 60).split('\n');
    expect(one[0]).toBe('buy: 3; 4 from 2026-05-01 to 2026-05-02 (-25.0 %)');
    expect(one[2]).toMatch(/^ {2}2026-05-02 {2}3 \(4\) {2}█+$/);
    expect(drawTrend({ series: [series, { ...series, total: 8, compare: { ...before, total: 0 } }], meta }, 60)).toMatch(/3 \(4\) +█+.*\n.*8 \(0\) +█+/);
    expect(drawTrend({ series: [{ ...series, compare: { ...before, total: 0 } }], meta }, 60)).toMatch(/^buy: 3; 0 from 2026-05-01 to 2026-05-02$/m);
    const stickiness = [{ time: '2026-04-27T00:00:00+00:00', users: 12, meanDays: 1.5, days: [8, 0, 4, 0, 0, 0, 0] }];
    expect(drawTrend({ series: [{ label: 'buy', breakdown: ['e\u001bmail'], total: 3, points, stickiness }], meta }, 60).split('\n').slice(4, 7)).toEqual([
      'buy · e·mail: on how many days', '              people  days each  1 to 7 days', '  2026-04-27      12        1.5      █▁▅▁▁▁▁',
    ]);
  });

  it('of a funnel show how long it takes, over time, and what people did next', () => {
    const histogram = [{ fromSeconds: 0, toSeconds: 90, users: 3 }, { fromSeconds: 90, toSeconds: 180, users: 0 }];
    const points = [{ time: '2026-05-01T00:00:00+00:00', users: 4, converted: 1, rate: 0.25 }, { time: '2026-05-02T00:00:00+00:00', users: 2, converted: 1, rate: 0.5, unfinished: true as const }];
    const lines = drawFunnel({ steps: [], histogram, points, next: [{ event: 'pa\u001by', users: 2 }], breakdowns: [{ breakdown: ['mobile'], steps: [], histogram }], meta }, 60).split('\n');
    expect(lines.map((line) => line.replace(/ +[█▏▎▍▌▋▊▉]+$/, '')).slice(0, 16)).toEqual([
      '', 'How long it takes:', '  0 s to 1.5 min      3', '  1.5 min to 3.0 min  0', '', 'By the time of the first step (* may still grow):', '  2026-05-01  1 of 4   25.0 %', '  2026-05-02  1 of 2   50.0 %*',
      '', 'What they did next:', '  pa·y  2', '', 'mobile', '', 'How long it takes:', '  0 s to 1.5 min      3',
    ]);
  });

  it('of people show a row each, and how to see more', () => {
    const people = [{ personId: 'ann\u001b', userId: 'ann', anonymousIds: ['d1', 'd2'], lastSeen: '2026-05-03T10:00:00.123Z' }, { personId: 'd3', userId: null, anonymousIds: [], lastSeen: null }];
    expect(drawListed({ people, total: 1_200, nextCursor: 'abc', meta }).split('\n').slice(0, 7)).toEqual([
      '1,200 people', '', '        devices            last seen', '  ann·        2  2026-05-03 10:00:00', '  d3          0                    -', '', 'There are more: --cursor abc',
    ]);
  });

  it('of a timeline show time, name and properties', () => {
    const events = [{ timestamp: '2026-05-03T10:00:00.123Z', eventName: 'buy', properties: { price: 9.5, sku: 'a' } }];
    expect(drawTimeline({ events, nextCursor: 'abc', meta }, 80)).toBe(
      `  2026-05-03 10:00:00.123  buy  price=9.5 sku="a"\n\nThere are more: --cursor abc\n\n  as of ${meta.asOf}\n`,
    );
    expect(drawTimeline({ events: [], meta: { ...meta, provisionalFrom: null } }, 80)).toBe(`No events in this range.\n\n  as of ${meta.asOf}\n`);
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

  it('shows rows of SQL, and how many it would read', () => {
    const drawn = drawRows({ columns: [{ name: 'event_name' }, { name: 'n' }], rows: [['buy\u001b', 12], ['view', null]], meta });
    expect(drawn.split('\n').slice(0, 3)).toEqual(['  event_name     n', '  buy·          12', '  view        null']);
    expect(drawRows({ estimatedRows: 12_000, meta })).toContain('It would read 12,000 rows.');
  });

  it('shows variants by metric, and no finding where the groups are no accident', () => {
    const control = { variant: 'a', users: 1000, converted: 100, rate: 0.1 };
    const metric = { metric: 'buy', role: 'primary', requiredSampleSize: 1500, variants: [control, { ...control, variant: 'b', lift: 0.2, liftInterval: [-0.01, 0.41] as [number, number], pValue: 0.0456 }] };
    const answer = { crossovers: 3, unfinished: 2, sampleRatio: { pValue: 0.00012, mismatch: false }, metrics: [metric], headline: [{ variant: 'b', result: 'not_significant', adjustedPValue: null }], breakdowns: [], meta };
    expect(drawExperiment(answer).split('\n').slice(0, 7)).toEqual([
      'b: not significant (p = -)',
      '3 people saw another variant later; the window of 2 has not run out',
      '',
      'buy (primary; 1,500 people a variant are needed)',
      '     people  converted    rate    lift    from      to      p',
      '  a   1,000        100  10.0 %',
      '  b   1,000        100  10.0 %  20.0 %  -1.0 %  41.0 %  0.046',
    ]);
    expect(drawExperiment({ ...answer, headline: null })).toContain('(p = 0.00012): nothing here is to be trusted');
  });
});

describe('people', () => {
  it('on paths: who goes where, the named events apart from what stands for others', () => {
    const node = (step: number, name: string, kind: string, users: number) => ({ step, node: name, kind, users });
    const link = (from: string, to: string, toKind: string, users: number) => ({ step: 1, from, fromKind: 'event', to, toKind, users });
    const flow = {
      users: 9, truncated: 2,
      nodes: [node(1, 'view', 'event', 9), node(2, 'cart', 'event', 4), node(2, 'other', 'event', 2), node(2, 'other', 'other', 1), node(2, 'drop-off', 'drop-off', 2)],
      links: [link('view', 'cart', 'event', 4), link('view', 'drop-off', 'drop-off', 2), link('view', 'other', 'event', 2), link('view', 'other', 'other', 1)],
    };
    const drawn = drawPaths({ ...flow, breakdowns: [{ breakdown: ['hat'], ...flow }], meta }, 60);
    expect(drawn.split('\n').map((line) => line.replace(/ +[█▏▎▍▌▋▊▉]+$/, '')).slice(0, 9)).toEqual([
      '  1 view        9', '      → cart 4, (drop-off) 2, other 2, …', '  2 cart        4', '  2 other       2', '  2 (other)     1', '  2 (drop-off)  2', '  9 people; 2 go on behind the last step', '', 'hat',
    ]);
    expect(drawPaths({ users: 0, truncated: 0, nodes: [], links: [], breakdowns: [], meta }, 60)).toContain('0 people');
  });

  it('in visits and in a cohort', () => {
    const visits = { sessions: 12, users: 5, medianSeconds: 90, p90Seconds: null, eventsPerSession: 3.5, pagesPerSession: 1, bounceRate: 0.25 };
    const drawn = drawSessions({ ...visits, points: [{ time: '2026-05-01T00:00:00.000Z', value: 12 }], breakdowns: [{ breakdown: ['mobile'], ...visits }], meta }, 60).split('\n');
    expect(drawn[0]).toMatch(/^ {2}2026-05-01 {2}12 {2}█+$/);
    expect(drawn.slice(2, 5)).toEqual(['          sessions  people   median  p90  events  pages  bounced', '  all           12       5  1.5 min    -     3.5      1   25.0 %', '  mobile        12       5  1.5 min    -     3.5      1   25.0 %']);
    expect(drawCohort({ size: 3, of: 12, share: 0.25, breakdowns: [{ breakdown: ['pro'], size: 3 }], meta }, 60)).toMatch(/^3 of 12 people \(25\.0 %\)\n\n {2}pro {2}3 {2}█/);
  });
});
