import fc from 'fast-check';
import { sessions as oracle, type SessionsLine, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { PROPERTY_RUN, where } from '../testing/histories.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';
import { visits } from '../testing/visits.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

type Answer = Omit<SessionsLine, 'points' | 'breakdown'> & { points: ({ time: string; value: number } & Omit<SessionsLine, 'points'>)[]; breakdowns: (Answer & { breakdown: string[] })[] };

const START_MS = Date.UTC(2026, 2, 27, 20);
const GAP_MS = 1_800_000;

const property = fc.constantFrom('session.entryPage', 'session.exitPage', 'session.source', 'session.medium', 'session.campaign', 'session.channel', 'session.country', 'session.deviceType', 'properties.plan', 'eventName');
const question = fc.record({
  granularity: fc.constantFrom('hour' as const, 'day' as const, 'week' as const),
  breakdown: fc.oneof(fc.constant([]), fc.uniqueArray(property, { minLength: 1, maxLength: 2 })),
  limit: fc.integer({ min: 1, max: 3 }),
  includeBots: fc.boolean(),
  where: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where }),
  timezone: fc.constantFrom('UTC', 'Europe/Berlin'),
});
const situation = fc.record({
  events: visits(START_MS, GAP_MS),
  fromMs: fc.integer({ min: -2, max: 20 }).map((steps) => START_MS + steps * 600_000),
  lengthMs: fc.oneof(fc.integer({ min: 1, max: 12 }).map((steps) => steps * 600_000), fc.integer({ min: 12, max: 400 }).map((steps) => steps * 600_000), fc.constant(1)),
  questions: fc.array(question, { minLength: 4, maxLength: 4 }),
});

let round = 0;

describe('sessions', () => {
  it('answers as the model does, whatever the events and the question (rules S1 to S7)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `sessions${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const asked of questions) {
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const answer = (await ask('sessions', body, store.context(project))) as unknown as Answer;
          const expected = oracle(events, { ...asked, fromMs, toMs, gapMs: GAP_MS, where: asked.where as Where });
          const lineOf = ({ sessions, users, medianSeconds, eventsPerSession, bounceRate, points }: Answer, breakdown: string[]): SessionsLine => ({
            breakdown, sessions, users, medianSeconds, eventsPerSession, bounceRate,
            points: points.map(({ time, value, ...point }) => ({ timeMs: Date.parse(time), ...point, sessions: value })),
          });
          const found = [lineOf(answer, []), ...answer.breakdowns.map((line) => lineOf(line, line.breakdown))];
          expect(found, JSON.stringify(body)).toEqual(expected);
        }
      }),
      PROPERTY_RUN,
    );
  });
});
