import fc from 'fast-check';
import { funnel as oracle, withOwners, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { breakdown, history, PROPERTY_RUN, where } from '../testing/histories.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface StepAnswer {
  users: number;
  fromStart: number;
  fromPrevious: number;
  dropOff: number;
  medianSeconds: number | null;
  p90Seconds: number | null;
  medianSecondsFromStart: number | null;
}
interface FunnelAnswer {
  steps: StepAnswer[];
  breakdowns: { breakdown: string[]; steps: StepAnswer[] }[];
}

const START_MS = Date.UTC(2026, 4, 3);
const SPAN_MS = 20_000;

const step = fc.record({ event: fc.constantFrom('view', 'cart', 'buy'), where: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where }) }, { requiredKeys: [] });
const question = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 4 }),
  window: fc.constantFrom('1s', '3s', '10s', '20s', '1m'),
  order: fc.constantFrom('ordered', 'ordered', 'strict'),
  hold: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.constantFrom(['properties.a.b'], ['properties.a.b', 'traits.plan'], ['properties.plan']) }),
  breakdown,
  limit: fc.integer({ min: 1, max: 3 }),
  includeBots: fc.boolean(),
  where: fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where }),
});
const situation = fc.record({
  events: history('', { startMs: START_MS, spanMs: SPAN_MS, stepMs: 1_000, minEvents: 6, maxEvents: 24 }),
  fromMs: fc.integer({ min: 0, max: 4 }).map((seconds) => START_MS + seconds * 1_000),
  lengthMs: fc.integer({ min: 5, max: 20 }).map((seconds) => seconds * 1_000),
  questions: fc.array(question, { minLength: 6, maxLength: 6 }),
});

let round = 0;

describe('funnel', () => {
  it('answers as the model does, whatever the events and the question (rules F1 to F6)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `funnel${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        if (events.length > 0) await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const asked of questions) {
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const answer = (await ask('funnel', body, store.context(project))) as unknown as FunnelAnswer;
          const windowMs = asked.window === '1m' ? 60_000 : Number.parseInt(asked.window, 10) * 1_000;
          const expected = oracle(withOwners(events), { ...asked, fromMs, toMs, windowMs, where: asked.where as Where, order: asked.order as 'ordered', steps: asked.steps as never });
          const reduced = (steps: StepAnswer[]): object[] =>
            steps.map(({ users, medianSeconds, p90Seconds, medianSecondsFromStart }) => ({ users, medianSeconds, p90Seconds, medianSecondsFromStart }));
          const found = { steps: reduced(answer.steps), breakdowns: answer.breakdowns.map((group) => ({ breakdown: group.breakdown, steps: reduced(group.steps) })) };
          expect(found, JSON.stringify(body)).toEqual(expected);
        }
      }),
      PROPERTY_RUN,
    );
  });
});
