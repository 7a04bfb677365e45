/** Trends over HTTP against numbers counted by hand (DESIGN 5, Questions). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;

const DAY = { from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z' };
const GOOGLEBOT = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  let number = 0;
  const buy = (timestamp: string, fields: Json): Json => ({
    eventId: `b${number++}`,
    eventName: 'purchase',
    timestamp,
    ...fields,
  });
  await shop.send([
    buy('2026-03-02T00:00:00.000Z', {
      userId: 'ann',
      sessionId: 's1',
      properties: { price: 0.1, plan: 'pro', tags: ['a'] },
    }),
    buy('2026-03-02T00:59:59.999Z', { userId: 'ann', sessionId: 's1', properties: { price: 0.2, plan: 'pro' } }),
    buy('2026-03-02T01:00:00.000Z', { userId: 'bob', sessionId: 's2', properties: { price: 0.3, plan: 'free' } }),
    buy('2026-03-02T23:59:59.999Z', { userId: 'cleo', sessionId: 's3', properties: { price: 10 } }),
    buy('2026-03-02T12:00:00.000Z', { userId: 'dan', sessionId: 's4', properties: { price: '7', plan: null } }),
    // Outside the day: `to` is exclusive.
    buy('2026-03-03T00:00:00.000Z', { userId: 'eve', sessionId: 's5', properties: { price: 100, plan: 'pro' } }),
    buy('2026-03-01T23:59:59.999Z', { userId: 'fay', sessionId: 's6', properties: { price: 100, plan: 'pro' } }),
    // A bot, and another event.
    buy('2026-03-02T02:00:00.000Z', {
      userId: 'bot',
      context: { userAgent: GOOGLEBOT },
      properties: { price: 1000, plan: 'pro' },
    }),
    buy('2026-03-02T02:00:00.000Z', { eventName: 'refund', userId: 'ann', properties: { price: 5 } }),
    // A device before and after its login: one person.
    buy('2026-03-04T10:00:00.000Z', { anonymousId: 'device-1' }),
    buy('2026-03-04T10:10:00.000Z', { anonymousId: 'device-1', userId: 'gus' }),
    buy('2026-03-04T10:20:00.000Z', { userId: 'gus' }),
  ]);
});
afterAll(() => server.stop());

const trend = (question: Json): Promise<Json> => shop.ask('trend', { ...DAY, ...question });
const total = async (series: Json, question: Json = {}): Promise<number> =>
  (await trend({ series: [{ event: 'purchase', ...series }], ...question }))['series'][0].total;
const values = (series: Json): number[] => series['points'].map((point: Json) => point['value']);

describe('measures', () => {
  it.each<[unknown, number]>([
    ['events', 5],
    ['users', 4],
    [{ sum: 'properties.price' }, 17.6],
    [{ min: 'properties.price' }, 0.1],
    [{ max: 'properties.price' }, 10],
  ])('%j over the day is %d', async (measure, expected) => {
    const answer = await total({ measure });
    expect(answer).toBe(expected);
  });
  it('sums are exact: 0.1 + 0.2 is 0.3', async () => {
    expect(await total({ measure: { sum: 'properties.price' } }, { to: '2026-03-02T01:00:00Z' })).toBe(0.3);
  });
  it('events is the measure when none is given', async () => {
    expect(await total({})).toBe(5);
  });
  it('users counts a person once, before and after login', async () => {
    expect(await total({ measure: 'users' }, { from: '2026-03-04', to: '2026-03-05' })).toBe(1);
  });
});

describe('points', () => {
  it('are zero-filled, `to` is exclusive, and the total is over the whole range', async () => {
    const { series } = await trend({ series: [{ event: 'purchase', measure: 'users' }], granularity: 'hour' });
    const expected = Array.from({ length: 24 }, () => 0);
    expected[0] = expected[1] = expected[12] = expected[23] = 1;
    expect(values(series[0])).toEqual(expected);
    expect(series[0].points[0].time).toBe('2026-03-02T00:00:00.000Z');
    expect(series[0].total).toBe(4);
  });
  it.each([
    ['minute', 1_440],
    ['hour', 24],
    ['day', 1],
    ['week', 1],
    ['month', 1],
  ])('by %s are %d', async (granularity, count) => {
    const { series } = await trend({ series: [{ event: 'purchase' }], granularity });
    expect([values(series[0]).length, values(series[0]).reduce((sum, value) => sum + value, 0)]).toEqual([count, 5]);
  });
  it('of a week begin on Monday', async () => {
    const { series } = await trend({
      series: [{ event: 'purchase' }],
      granularity: 'week',
      from: '2026-02-25',
      to: '2026-03-10',
    });
    expect(series[0].points.map((point: Json) => point['time'].slice(0, 10))).toEqual([
      '2026-02-23',
      '2026-03-02',
      '2026-03-09',
    ]);
  });
  it('follow the time zone, also over a change of the clocks', async () => {
    const { series } = await trend({
      series: [{ event: 'purchase' }],
      granularity: 'day',
      timezone: 'Europe/Berlin',
      from: '2026-03-28',
      to: '2026-03-31',
    });
    expect(series[0].points.map((point: Json) => Date.parse(point['time']))).toEqual(
      ['2026-03-27T23:00:00Z', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z'].map(Date.parse),
    );
    const inKolkata = await trend({
      series: [{ event: 'purchase' }],
      granularity: 'day',
      timezone: 'Asia/Kolkata',
      from: '2026-03-02',
      to: '2026-03-03',
    });
    // 5:30 ahead: from 18:30 UTC the day before, which takes in fay's and leaves cleo's out.
    expect(inKolkata['series'][0].total).toBe(5);
    expect(Date.parse(inKolkata['series'][0].points[0].time)).toBe(Date.parse('2026-03-01T18:30:00Z'));
  });
});

describe('breakdown', () => {
  it('has a series per value and one for (not set), for null too', async () => {
    const { series } = await trend({ series: [{ event: 'purchase' }], breakdown: ['properties.plan'] });
    expect(Object.fromEntries(series.map((each: Json) => [each['breakdown'][0], each['total']]))).toEqual({
      pro: 2,
      free: 1,
      '(not set)': 2,
    });
  });
  it('over the limit has "other", which makes the sum whole', async () => {
    const { series } = await trend({ series: [{ event: 'purchase' }], breakdown: ['userId'], limit: 2 });
    const totals = series.map((each: Json) => [each['breakdown'][0], each['total']]);
    expect(totals[0]).toEqual(['ann', 2]);
    expect(Object.fromEntries(totals)['other']).toBe(2);
    expect(totals).toHaveLength(3);
  });
  it('by a property never seen is (not set)', async () => {
    const { series } = await trend({ series: [{ event: 'purchase' }], breakdown: ['properties.never'] });
    expect(series).toMatchObject([{ breakdown: ['(not set)'], total: 5 }]);
  });
});

describe('where', () => {
  const count = (...where: Json[]): Promise<number> => total({ where });
  it.each([
    ['=', '!=', 'pro', 2],
    ['in', 'not_in', ['pro', 'free'], 3],
    ['contains', 'not_contains', 'r', 3],
  ])('%s and %s are exact complements', async (op, complement, value, matching) => {
    expect(await count({ property: 'properties.plan', op, value })).toBe(matching);
    expect(await count({ property: 'properties.plan', op: complement, value })).toBe(5 - matching);
  });
  it.each<[string, unknown, number]>([
    ['>', 0.2, 3],
    ['>=', 0.2, 4],
    ['<', 0.2, 1],
    ['<=', 0.2, 2],
    ['=', 10, 1],
    ['matches', '^0', 3],
  ])('price %s %j is %d', async (op, value, expected) => {
    expect(await count({ property: 'properties.price', op, value })).toBe(expected);
  });
  it('is_set and is_not_set split everything; null counts as unset', async () => {
    expect([
      await count({ property: 'properties.plan', op: 'is_set' }),
      await count({ property: 'properties.plan', op: 'is_not_set' }),
    ]).toEqual([3, 2]);
  });
  it('all must hold; of a group, any', async () => {
    const [pro, free, cheap] = [
      { property: 'properties.plan', op: '=', value: 'pro' },
      { property: 'properties.plan', op: '=', value: 'free' },
      { property: 'properties.price', op: '<', value: 0.15 },
    ];
    expect(await count(pro, cheap)).toBe(1);
    expect(await count({ any: [free, cheap] })).toBe(2);
    expect(await total({ where: [pro] }, { where: [cheap] })).toBe(1);
  });
  it.each([
    ['eventName', 'purchase', 5],
    ['userId', 'ann', 2],
    ['sessionId', 's1', 2],
    ['source', 'default', 5],
    ['type', 'track', 5],
    ['anonymousId', 'none', 0],
    ['context.never', 'x', 0],
  ])('knows %s', async (property, value, expected) => {
    expect(await count({ property, op: '=', value })).toBe(expected);
  });
  it("values are values: quotes, backslashes and comments don't leave their place", async () => {
    for (const value of ["' OR 1=1 --", "\\' OR 1", '{x:String}', '$$', '/* */', "'; DROP TABLE events"]) {
      expect(await count({ property: 'properties.plan', op: '=', value })).toBe(0);
      expect(await count({ property: `properties.${value}`, op: 'is_set' })).toBe(0);
      expect(await total({ event: value })).toBe(0);
    }
  });
});

describe('the rest of a question', () => {
  it('bots are left out unless asked for', async () => {
    expect([await total({}), await total({}, { includeBots: true })]).toEqual([5, 6]);
  });
  it('an event never seen is 0, and no error', async () => {
    const { series } = await trend({ series: [{ event: 'never' }] });
    expect(series).toMatchObject([{ total: 0, points: [{ value: 0 }] }]);
  });
  it('has several series and a formula', async () => {
    const { series } = await trend({ series: [{ event: 'refund' }, { event: 'purchase' }], formula: 'A/B' });
    expect(series.map((each: Json) => each['total'])).toContain(0.2);
  });
  it('meta says what the answer rests on', async () => {
    const { meta } = await trend({ series: [{ event: 'purchase' }] });
    expect(meta).toMatchObject({
      approximate: false,
      rowsRead: expect.any(Number),
      elapsedMs: expect.any(Number),
      sql: expect.stringContaining('SELECT'),
    });
    for (const field of ['asOf', 'completeThrough']) expect(new Date(meta[field]).toISOString()).toBe(meta[field]);
    expect(meta.asOf >= shop.receivedAt).toBe(true);
    expect(meta.completeThrough <= meta.asOf).toBe(true);
    expect(meta.provisionalFrom, 'all of the range is behind the watermark').toBeNull();
    const untilNow = await trend({ series: [{ event: 'purchase' }], from: '-1h', to: 'now' });
    expect(new Date(untilNow['meta'].provisionalFrom).toISOString()).toBe(untilNow['meta'].provisionalFrom);
  });
  it.each<[string, Json]>([
    ['from', { series: [{ event: 'x' }], from: 'soon' }],
    ['timezone', { series: [{ event: 'x' }], timezone: 'Mars/Olympus' }],
    ['series', {}],
    ['grain', { series: [{ event: 'x' }], grain: 'day' }],
    ['granularity', { series: [{ event: 'x' }], granularity: 'fortnight' }],
    ['series[0].where[0].op', { series: [{ event: 'x', where: [{ property: 'userId', op: '~', value: 1 }] }] }],
  ])('%s at fault is 400 and named', async (field, question) => {
    const problem = await shop.api('/api/analytics/trend', question, { status: 400 });
    expect(problem).toMatchObject({
      status: 400,
      code: expect.stringMatching(/^[a-z_]+$/),
      type: expect.any(String),
      documentation: expect.any(String),
    });
    expect(problem['errors'].map((each: Json) => each['field'])).toContain(field);
  });
  it('kinds that there are not are a problem document', async () => {
    for (const kind of ['nonsense', 'trends']) {
      const problem = await shop.api(`/api/analytics/${kind}`, {}, { status: 404 });
      expect(problem['code']).toBe('unknown_kind');
    }
  });
});
