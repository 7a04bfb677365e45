import fc from 'fast-check';
import { sessions as oracle, WEEK_DAYS, type SessionsLine, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { anyProperty, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { visits } from '../../testing/visits.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

type Answer = Omit<SessionsLine, 'points' | 'breakdown'> & { points: ({ time: string; value: number } & Omit<SessionsLine, 'points'>)[]; breakdowns: (Answer & { breakdown: string[] })[]; meta: object };

const RUN = kindsRun(15);
const START_MS = Date.UTC(2026, 2, 27, 20);
const MINUTE_MS = 60_000;
/** Beside the default, which is 30 minutes: what silences there are is a multiple of a third of it. */
const GAP_MS = 30 * MINUTE_MS;
const GAPS_MS = { '1s': 1_000, '10m': 10 * MINUTE_MS, '20m': 20 * MINUTE_MS, '1h': 60 * MINUTE_MS, '1d': 1_440 * MINUTE_MS };

const ofSession = fc.constantFrom('session.entryPage', 'session.exitPage', 'session.source', 'session.medium', 'session.campaign', 'session.channel', 'session.country', 'session.deviceType', 'session.entryEvent', 'session.exitEvent', 'session.pages', 'properties.plan', 'eventName', 'person.plan', 'group.plan');
const property = fc.oneof(ofSession, anyProperty);
const onSession = fc.oneof(
  fc.record({ property: fc.constantFrom('session.events', 'session.pages', 'session.duration'), op: fc.constantFrom('=', '!=', '>', '<='), value: fc.constantFrom(0, 1, 2, 600) }),
  fc.record({ property: fc.constantFrom('session.entryPage', 'session.exitPage', 'session.exitEvent', 'session.source'), op: fc.constantFrom('=', '!=', 'contains'), value: fc.constantFrom('/', '/cart', 'view', 'news') }),
  fc.record({ property: fc.constantFrom('session.exitPage', 'session.campaign', 'session.country'), op: fc.constantFrom('is_set', 'is_not_set') }),
  fc.record({ property: fc.constant('session.bounce'), op: fc.constantFrom('=', '!='), value: fc.boolean() }),
);
const onEvent = fc.record({ property: fc.constant('eventName'), op: fc.constantFrom('=', '!='), value: fc.constantFrom('view', 'buy') });
/** Conditions on the session, beside some on events, or in place of them (rule S11). */
const whereOfSession = fc.tuple(where, fc.array(fc.oneof({ weight: 3, arbitrary: onSession }, { weight: 1, arbitrary: fc.record({ any: fc.tuple(onSession, onEvent) }) }), { minLength: 1, maxLength: 2 })).map((parts) => parts.flat());
const question = fc.record({
  granularity: fc.constantFrom('minute' as const, 'hour' as const, 'day' as const, 'week' as const, 'month' as const),
  gap: fc.constantFrom(undefined, undefined, undefined, ...(Object.keys(GAPS_MS) as (keyof typeof GAPS_MS)[])),
  breakdown: fc.oneof(fc.constant([]), fc.uniqueArray(property, { minLength: 1, maxLength: 3 })),
  limit: fc.integer({ min: 1, max: 3 }),
  includeBots: fc.boolean(),
  where: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where }, { weight: 1, arbitrary: whereOfSession }),
  weekStart: fc.constantFrom(...WEEK_DAYS),
  timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
});
const situation = fc.record({
  events: inGroups(visits(START_MS, GAP_MS)),
  fromMs: fc.integer({ min: -2, max: 20 }).map((steps) => START_MS + steps * 600_000),
  lengthMs: fc.oneof(fc.integer({ min: 1, max: 12 }).map((steps) => steps * 600_000), fc.integer({ min: 12, max: 700 }).map((steps) => steps * 600_000), fc.constant(1)),
  questions: fc.array(question, { minLength: 4, maxLength: 4 }),
});

let round = 0;

describe('sessions', () => {
  it('answers as the model does, whatever the events and the question (rules S1 to S8, S11)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `sessions${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const { gap, granularity: drawn, ...others } of questions) {
          // Days of minutes are more points than one wants to read.
          const asked = { ...others, granularity: drawn === 'minute' && lengthMs > 120 * MINUTE_MS ? ('month' as const) : drawn, ...(gap !== undefined && { gap }) };
          const gapMs = gap === undefined ? GAP_MS : GAPS_MS[gap];
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const { known, context } = withSavedCohorts(events, store.context(project), gapMs);
          const answer = (await ask('sessions', body, context)) as unknown as Answer;
          const expected = oracle(known, { ...asked, fromMs, toMs, gapMs, where: asked.where as Where });
          const lineOf = ({ points, ...whole }: Omit<Answer, 'breakdowns' | 'meta'>, breakdown: string[]): SessionsLine => ({
            ...whole, breakdown,
            points: points.map(({ time, value, ...point }) => ({ timeMs: Date.parse(time), ...point, sessions: value })),
          });
          const { breakdowns, meta: _, ...whole } = answer;
          const found = [lineOf(whole, []), ...breakdowns.map((line) => lineOf(line, line.breakdown))];
          expect(found, JSON.stringify(body)).toEqual(expected);
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  const AT = Date.UTC(2026, 4, 3, 10);
  const device = (eventId: string, anonymousId: string, minutes: number, more: object = {}) => storedEvent({ eventId, userId: 'ann', anonymousId, timeMs: AT + minutes * 60_000, ...more });
  const none = (eventId: string, minutes: number, more: object = {}) => storedEvent({ eventId, userId: 'ann', timeMs: AT + minutes * 60_000, eventName: 'paid', ...more });
  let example = 0;
  const asked = async (events: ReturnType<typeof storedEvent>[], question: object = {}): Promise<Answer> => {
    const project = `example${++example}`;
    await store.add(events.map((event) => ({ ...event, project })));
    return (await ask('sessions', { from: '2026-05-03', to: '2026-05-05', ...question }, store.context(project))) as unknown as Answer;
  };
  const paid = { where: [{ property: 'eventName', op: '=', value: 'paid' }] };

  it('lets an event without a device fall in up to a gap after the last one, and no later', async () => {
    const visit = [device('a', 'd1', 29), device('b', 'd1', 29.5)];
    expect(await asked([...visit, none('x', 59.5)])).toMatchObject({ sessions: 1, eventsPerSession: 3, medianSeconds: 30 });
    expect(await asked([...visit, none('x', 59.5 + 1 / 60_000)])).toMatchObject({ sessions: 2 });
    expect(await asked([...visit, none('x', 59.5), none('y', 60), none('z', 60)])).toMatchObject({ sessions: 3 });
  });

  it('takes of several the one begun last, then the smallest id', async () => {
    const long = [0, 20, 40].map((minutes) => device(`l${minutes}`, 'd1', minutes));
    expect(await asked([...long, device('s', 'd2', 30), none('x', 45)], paid)).toMatchObject({ sessions: 1, eventsPerSession: 2 });
    expect(await asked([...long, device('k', 'd2', 0), none('x', 45)], paid)).toMatchObject({ sessions: 1, eventsPerSession: 4 });
    expect(await asked([...long, device('k', 'd2', 0), none('x', 10)], paid)).toMatchObject({ sessions: 1, eventsPerSession: 2 });
    expect(await asked([...long, device('m', 'd2', 0), none('x', 10)], paid)).toMatchObject({ sessions: 1, eventsPerSession: 4 });
  });

  it('keeps bots and two people on one browser apart', async () => {
    const mixed = [device('a', 'd1', 0), device('b', 'd1', 1, { bot: true }), device('c', 'd1', 31.5), device('e', 'd1', 31, { userId: 'bob' })];
    expect(await asked(mixed)).toMatchObject({ sessions: 3, users: 2, bounceRate: 1 });
    expect(await asked(mixed, { includeBots: true })).toMatchObject({ sessions: 4, users: 2, bounceRate: 1 });
  });

  it('counts one of three days whole, on the day it began', async () => {
    const beats = Array.from({ length: 145 }, (_, i) => device(`b${i}`, 'd1', i * 30));
    const answer = await asked(beats, { to: '2026-05-04' });
    expect(answer).toMatchObject({ sessions: 1, medianSeconds: 3 * 86_400, eventsPerSession: 145 });
    expect(await asked(beats, { from: '2026-05-04', to: '2026-05-07' })).toMatchObject({ sessions: 0, medianSeconds: null });
  });

  it('ends one after more than a gap, to the millisecond, whatever its events are', async () => {
    const kinds = ['page', 'track'].flatMap((type) => ['paid', 'seen'].map((eventName) => ({ type: type as 'page', eventName })));
    const pairs = (apart: number) => kinds.flatMap((one, i) => kinds.flatMap((other, k) => [device(`a${i}${k}`, `d${i}${k}`, 0, one), device(`b${i}${k}`, `d${i}${k}`, apart, other)]));
    for (const [apart, found, ofPaid] of [[30, 16, 12], [30 + 1 / 60_000, 32, 16]] as const) {
      expect(await asked(pairs(apart))).toMatchObject({ sessions: found, pagesPerSession: 16 / found });
      expect(await asked(pairs(apart), paid)).toMatchObject({ sessions: ofPaid, eventsPerSession: 32 / found });
    }
  });

  it('counts what goes on after the range, and nothing of what begins there', async () => {
    const visit = [device('a', 'd1', 0), device('b', 'd1', 25), device('c', 'd1', 50), device('e', 'd2', 39)];
    expect(await asked(visit, { to: '2026-05-03T10:10:00Z' })).toMatchObject({ sessions: 1, eventsPerSession: 3, medianSeconds: 3_000 });
    expect(await asked([visit[0]!, device('x', 'd1', 40)], { to: '2026-05-03T10:10:00Z' })).toMatchObject({ sessions: 1, eventsPerSession: 1 });
  });

  it('is what a trend counts: distinct ones among the selected events, whenever they began (rule T8)', async () => {
    const events = [device('a', 'd1', -40), device('b', 'd1', -20), device('c', 'd2', -10), none('x', 1), device('e', 'd2', 10, { eventName: 'paid' }), device('f', 'd1', 3)];
    const { sessions } = await asked(events);
    const totalOf = async (series: object, range: object): Promise<number> => {
      const answer = (await ask('trend', { series: [{ measure: 'sessions', ...series }], ...range }, store.context(`example${example}`))) as unknown as { series: { total: number }[] };
      return answer.series[0]?.total ?? -1;
    };
    expect(await totalOf({}, { from: '2026-05-03', to: '2026-05-05' })).toBe(sessions);
    expect(await totalOf({ event: 'paid' }, { from: '2026-05-03T10:00:00Z', to: '2026-05-05' })).toBe(1);
    expect(await totalOf({}, { from: '2026-05-03T10:00:00Z', to: '2026-05-05' })).toBe(2);
  });

  it('refuses a gap of nothing or of more than a day', async () => {
    for (const gap of ['0m', '25h', 'soon']) await expect(asked([device('a', 'd1', 0)], { gap })).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'gap' }] });
  });
});
