/** P6: properties of an event's session in every kind of question, and the session that an export tells, against the model. */
import { funnel, sessions, sessionsOf, trend, withSessions, type Where } from '@tidemark/model';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from '../asking/ask.ts';
import { exportEvents } from '../timeline/export.ts';
import { PROPERTY_RUN } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { visits } from '../testing/visits.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const START_MS = Date.UTC(2026, 2, 27, 20);
const GAP_MS = 1_800_000;
const HOUR_MS = 3_600_000;

const property = fc.constantFrom('session.entryPage', 'session.exitPage', 'session.source', 'session.medium', 'session.campaign', 'session.channel', 'session.country', 'session.deviceType', 'session.entryEvent', 'session.exitEvent', 'session.duration', 'session.events', 'session.pages', 'session.bounce', 'eventName');
const condition = fc.oneof(
  fc.record({ property, op: fc.constantFrom('=', '!='), value: fc.constantFrom<string | number | boolean>('/', '/cart', 'ads', 'paid', true, false, 1, 3, 'view') }),
  fc.record({ property: fc.constantFrom('session.duration', 'session.events', 'session.pages'), op: fc.constantFrom('>', '<='), value: fc.constantFrom(0, 1, 2, 600, 1800) }),
  fc.record({ property, op: fc.constantFrom('is_set', 'is_not_set') }),
);
const where = fc.array(condition, { maxLength: 2 });
const breakdown = fc.uniqueArray(property, { maxLength: 2 });
const measure = fc.constantFrom<object | string>('events', 'users', 'sessions', { sum: 'session.duration' }, { unique: 'session.entryPage' }, { max: 'session.events' });
/** Half of them without an event that has no device: then only devices that did what is asked for are looked at. */
const histories = fc.tuple(visits(START_MS, GAP_MS), fc.boolean()).map(([events, hasDeviceless]) => events.filter(({ anonymousId }) => hasDeviceless || anonymousId !== ''));
const situation = fc.record({
  events: histories,
  event: fc.constantFrom(undefined, 'view', 'cart', 'buy'),
  fromMs: fc.integer({ min: -2, max: 20 }).map((steps) => START_MS + steps * 600_000),
  lengthMs: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 12, max: 200 })).map((steps) => steps * 600_000),
  includeBots: fc.boolean(),
  where,
  breakdown,
  measure,
  gap: fc.constantFrom(['30m', GAP_MS] as const, ['10m', GAP_MS / 3] as const),
  steps: fc.array(fc.record({ event: fc.constantFrom('view', 'cart', 'buy'), where }), { minLength: 1, maxLength: 3 }),
});

let round = 0;
it('is the model’s in trends, funnels and sessions, as a filter, a measure and a breakdown', async () => {
  await fc.assert(
    fc.asyncProperty(situation, async ({ events: unnamed, event, fromMs, lengthMs, includeBots, gap: [gap, gapMs], measure: measured, steps, ...asked }) => {
      const project = `of-event${++round}`;
      const events = unnamed.map((event) => ({ ...event, project }));
      await store.add(events);
      const toMs = fromMs + lengthMs;
      const range = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), includeBots };
      const all = { fromMs, toMs, includeBots, timezone: 'UTC', granularity: 'day' as const };
      const condition = asked.where as Where;
      const known = withSessions(events, GAP_MS);

      const series = [{ ...(event !== undefined && { event }), measure: measured }];
      const trended = (await ask('trend', { ...range, ...asked, series }, store.context(project))) as unknown as { series: { breakdown: string[]; total: number }[] };
      const lines = trend(known, { ...all, ...asked, where: condition, series: series as never }).flat();
      expect(trended.series.map(({ breakdown: group, total }) => ({ group, total }))).toEqual(lines.map(({ breakdown: group, total }) => ({ group, total })));

      const walked = (await ask('funnel', { ...range, ...asked, steps, window: '2h' }, store.context(project))) as unknown as { steps: { users: number }[]; breakdowns: { breakdown: string[]; steps: { users: number }[] }[] };
      const chains = funnel(known, { ...all, ...asked, where: condition, windowMs: 2 * HOUR_MS, steps: steps as never });
      const usersOf = (of: readonly { users: number }[]): number[] => of.map(({ users }) => users);
      expect([usersOf(walked.steps), walked.breakdowns.map((group) => [group.breakdown, usersOf(group.steps)])]).toEqual([usersOf(chains.steps), chains.breakdowns.map((group) => [group.breakdown, usersOf(group.steps)])]);

      const visited = (await ask('sessions', { ...range, ...asked, gap }, store.context(project))) as unknown as { sessions: number; breakdowns: { breakdown: string[]; sessions: number }[] };
      const counted = sessions(withSessions(events, gapMs), { ...all, ...asked, where: condition, gapMs });
      expect([{ breakdown: [], sessions: visited.sessions }, ...visited.breakdowns].map(({ breakdown: group, sessions: count }) => ({ group, count }))).toEqual(counted.map(({ breakdown: group, sessions: count }) => ({ group, count })));
    }),
    { ...PROPERTY_RUN, numRuns: Number(process.env['TIDEMARK_SESSION_RUNS'] ?? 5) },
  );
});

const exported = async (project: string, body: object): Promise<{ eventId: string; session?: { id: string; start: string } }[]> => {
  const chunks: Buffer[] = [];
  for await (const chunk of exportEvents(body, store.context(project)).stream()) chunks.push(chunk);
  return Buffer.concat(chunks).toString().split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as { eventId: string });
};

it('an export tells the session of each event, also where it began before the range', async () => {
  await fc.assert(
    fc.asyncProperty(visits(START_MS, GAP_MS), fc.nat(40), async (unnamed, later) => {
      const project = `exported${++round}`;
      const events = unnamed.map((event) => ({ ...event, project }));
      await store.add(events);
      const fromMs = START_MS + later * 600_000;
      const toMs = fromMs + 3 * HOUR_MS;
      const lines = await exported(project, { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() });
      const expected = sessionsOf(events, GAP_MS).flatMap(({ id, startMs, own, joined }) =>
        [...own, ...joined].filter(({ timeMs }) => timeMs >= fromMs && timeMs < toMs).map(({ eventId }) => [eventId, { id, start: new Date(startMs).toISOString() }]),
      );
      expect(Object.fromEntries(lines.map(({ eventId, session }) => [eventId, session]))).toEqual(Object.fromEntries(expected));
    }),
    { ...PROPERTY_RUN, numRuns: 12 },
  );
});

it('a session that lies across the start of the range is told from its first event on', async () => {
  const project = 'across';
  // The first step is of exactly the gap.
  const fromMs = START_MS + 2 * HOUR_MS;
  const steps = [['/', -GAP_MS - 60_000], ['/cart', -60_000], ['/thanks', 60_000]] as const;
  await store.add(steps.map(([pagePath, atMs], i) => storedEvent({ project, eventId: `e${i}`, anonymousId: 'd1', pagePath, timeMs: fromMs + atMs })));
  const range = { from: new Date(fromMs).toISOString(), to: new Date(fromMs + HOUR_MS).toISOString() };
  expect(await exported(project, range)).toEqual([expect.objectContaining({ eventId: 'e2', session: { id: 'e0', start: new Date(fromMs - GAP_MS - 60_000).toISOString() } })]);
  const breakdown = ['session.entryPage', 'session.events', 'session.duration'];
  const { series } = (await ask('trend', { ...range, breakdown, series: [{ measure: 'events' }] }, store.context(project))) as unknown as { series: { breakdown: string[]; total: number }[] };
  expect(series.map(({ breakdown: group, total }) => [...group, total])).toEqual([['/', '3', String((GAP_MS + 120_000) / 1_000), 1]]);
});

it('is of all events of the device, whichever are asked for', async () => {
  const project = 'named';
  const events = ['view', 'cart', 'buy'].map((eventName, i) => storedEvent({ project, eventId: eventName, eventName, anonymousId: 'd1', pagePath: `/${eventName}`, timeMs: START_MS + i * 60_000 }));
  await store.add([...events, storedEvent({ project, eventId: 'other', anonymousId: 'd2', pagePath: '/other', timeMs: START_MS })]);
  const asked = { from: new Date(START_MS).toISOString(), to: new Date(START_MS + HOUR_MS).toISOString(), breakdown: ['session.entryPage', 'session.events'], series: [{ event: 'buy' }] };
  const { series } = (await ask('trend', asked, store.context(project))) as unknown as { series: { breakdown: string[]; total: number }[] };
  expect(series.map(({ breakdown: group, total }) => [...group, total])).toEqual([['/view', '3', 1]]);
});

it('csv tells it in a column, and an export without sessions none', async () => {
  const project = 'csv';
  await store.add([storedEvent({ project, eventId: 'a"b', anonymousId: 'd1', timeMs: START_MS })]);
  const body = { from: new Date(START_MS).toISOString(), to: new Date(START_MS + 1).toISOString() };
  const chunks: Buffer[] = [];
  for await (const chunk of exportEvents({ ...body, format: 'csv' }, store.context(project)).stream()) chunks.push(chunk);
  expect(Buffer.concat(chunks).toString()).toContain(String.raw`"{""id"":""a\""b"",""start"":""2026-03-27T20:00:00.000Z""}"`);
  expect((await exported(project, { ...body, sessions: false }))[0]).not.toHaveProperty('session');
});
