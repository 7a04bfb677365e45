/** Funnels over HTTP: each test has steps of its own, so that all share one project (DESIGN 5, Funnel). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;
let number = 0;

const RANGE = { from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z', window: '1h' };
const START = Date.parse('2026-03-02T10:00:00Z');

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
});
afterAll(() => server.stop());

/** Sends what a person did: event names, seconds after 10:00, and further fields. */
function did(userId: string, ...actions: [name: string, seconds: number, fields?: Json][]): Json[] {
  return actions.map(([eventName, seconds, fields = {}]) => ({
    eventId: `f${number++}`,
    eventName,
    userId,
    timestamp: START + seconds * 1_000,
    ...fields,
  }));
}

async function reached(steps: (string | Json)[], question: Json = {}): Promise<number[]> {
  return (await funnel(steps, question))['steps'].map((step: Json) => step['users']);
}

function funnel(steps: (string | Json)[], question: Json = {}): Promise<Json> {
  return shop.ask('funnel', {
    ...RANGE,
    ...question,
    steps: steps.map((step) => (typeof step === 'string' ? { event: step } : step)),
  });
}

it('counts people, shares and drop-off', async () => {
  await shop.send([
    ...did('a1', ['view', 0], ['cart', 10], ['pay', 40]),
    ...did('a2', ['view', 0], ['cart', 20]),
    ...did('a3', ['view', 0], ['pay', 5], ['view', 6]),
    ...did('a4', ['view', 0]),
    ...did('a5', ['cart', 0], ['pay', 1]),
  ]);
  const { steps, breakdowns, meta } = await funnel(['view', 'cart', 'pay']);
  expect(steps).toMatchObject([
    { event: 'view', users: 4, fromStart: 1, fromPrevious: 1, dropOff: 0 },
    { event: 'cart', users: 2, fromStart: 0.5, fromPrevious: 0.5, dropOff: 2, medianSeconds: 15 },
    { event: 'pay', users: 1, fromStart: 0.25, fromPrevious: 0.5, dropOff: 1, medianSeconds: 30, p90Seconds: 30 },
  ]);
  expect([breakdowns, meta.approximate]).toEqual([[], false]);
});

describe('the window', () => {
  it('is inclusive, and reaches past `to`', async () => {
    const beforeMidnight = 14 * 3_600 - 60;
    await shop.send([
      ...did('w1', ['w.a', 0], ['w.b', 3_600]),
      ...did('w2', ['w.a', 0], ['w.b', 3_600.001]),
      ...did('w3', ['w.a', beforeMidnight], ['w.b', beforeMidnight + 1_800]),
      // Begins at `to`: not in the funnel.
      ...did('w4', ['w.a', 14 * 3_600], ['w.b', 14 * 3_600 + 1]),
    ]);
    expect(await reached(['w.a', 'w.b'])).toEqual([3, 2]);
  });
  it('counts from the first step, not from the previous one', async () => {
    await shop.send(did('v1', ['v.a', 0], ['v.b', 3_000], ['v.c', 6_000]));
    expect(await reached(['v.a', 'v.b', 'v.c'])).toEqual([1, 1, 0]);
  });
});

describe('one event serves one step', () => {
  it('so a step repeated needs two events', async () => {
    await shop.send([
      ...did('r1', ['again', 0]),
      ...did('r2', ['again', 0], ['again', 5]),
      ...did('r3', ['again', 0], ['again', 0]),
    ]);
    expect(await reached(['again', 'again'])).toEqual([3, 2]);
  });
  it('also where steps overlap by their conditions', async () => {
    const big = { event: 'o', where: [{ property: 'properties.n', op: '>', value: 1 }] };
    await shop.send([
      ...did('o1', ['o', 0, { properties: { n: 2 } }]),
      ...did('o2', ['o', 0, { properties: { n: 2 } }], ['o', 1, { properties: { n: 2 } }]),
    ]);
    expect(await reached(['o', big])).toEqual([2, 1]);
  });
});

describe('order', () => {
  it('within one millisecond is by sequence', async () => {
    await shop.send([
      ...did('q1', ['q.b', 0, { sequence: 2 }], ['q.a', 0, { sequence: 1 }]),
      ...did('q2', ['q.b', 0, { sequence: 1 }], ['q.a', 0, { sequence: 2 }]),
    ]);
    expect(await reached(['q.a', 'q.b'])).toEqual([2, 1]);
  });
  it('and without one by the steps themselves', async () => {
    await shop.send(did('t1', ['t.b', 0], ['t.a', 0], ['t.c', 0]));
    expect(await reached(['t.a', 't.b', 't.c'])).toEqual([1, 1, 1]);
  });
  it('does not hang on the order of arrival', async () => {
    await shop.send(did('x1', ['x.c', 20]));
    await shop.send(did('x1', ['x.a', 0]));
    await shop.send(did('x1', ['x.b', 10]));
    expect(await reached(['x.a', 'x.b', 'x.c'])).toEqual([1, 1, 1]);
  });
});

describe('each person counts once', () => {
  it('with the chain that goes furthest', async () => {
    // From the first start the window ends before c; from the second it does not.
    await shop.send(did('c1', ['c.a', 0], ['c.b', 10], ['c.a', 1_800], ['c.b', 1_900], ['c.c', 5_000]));
    expect(await reached(['c.a', 'c.b', 'c.c'])).toEqual([1, 1, 1]);
  });
  it('of those the one that completes first, and of these the latest start', async () => {
    await shop.send(did('l1', ['l.a', 0], ['l.a', 30], ['l.b', 40], ['l.a', 50], ['l.b', 51]));
    const { steps } = await funnel(['l.a', 'l.b']);
    expect(steps[1]).toMatchObject({ users: 1, medianSeconds: 10 });
  });
  it('over all ids of the person: before and after login', async () => {
    const anonymous = { userId: undefined, anonymousId: 'i-device' };
    await shop.send([...did('i1', ['i.a', 0, anonymous], ['i.b', 10, { anonymousId: 'i-device' }], ['i.c', 20])]);
    expect(await reached(['i.a', 'i.b', 'i.c'])).toEqual([1, 1, 1]);
  });
});

it('bots are left out', async () => {
  const bot = { context: { userAgent: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)' } };
  await shop.send([...did('z1', ['z.a', 0], ['z.b', 1]), ...did('z2', ['z.a', 0, bot], ['z.b', 1, bot])]);
  expect(await reached(['z.a', 'z.b'])).toEqual([1, 1]);
  expect(await reached(['z.a', 'z.b'], { includeBots: true })).toEqual([2, 2]);
});

it('breaks down by a property of the first step', async () => {
  await shop.send([
    ...did('d1', ['d.a', 0, { properties: { plan: 'pro' } }], ['d.b', 1]),
    ...did('d2', ['d.a', 0, { properties: { plan: 'free' } }], ['d.b', 1, { properties: { plan: 'pro' } }]),
    ...did('d3', ['d.a', 0]),
  ]);
  const { steps, breakdowns } = await funnel(['d.a', 'd.b'], { breakdown: ['properties.plan'] });
  expect(steps.map((step: Json) => step['users'])).toEqual([3, 2]);
  const groups = breakdowns.map((group: Json) => [
    group['breakdown'][0],
    group['steps'].map((step: Json) => step['users']),
  ]);
  expect(Object.fromEntries(groups)).toEqual({ pro: [1, 1], free: [1, 1], '(not set)': [1, 0] });
});

it('a step never seen is 0', async () => {
  expect(await reached(['never.1', 'never.2'])).toEqual([0, 0]);
});

it.each<[string, Json]>([
  ['steps', { window: '1h' }],
  ['steps', { steps: [] }],
  ['window', { steps: [{ event: 'a' }, { event: 'b' }], window: '0s' }],
  ['window', { steps: [{ event: 'a' }, { event: 'b' }], window: '367d' }],
  ['window', { steps: [{ event: 'a' }, { event: 'b' }], window: 'soon' }],
])('%s at fault is 400 and named', async (field, question) => {
  const problem = await shop.api('/api/analytics/funnel', question, { status: 400 });
  expect(problem['errors'].map((each: Json) => each['field'])).toContain(field);
});
