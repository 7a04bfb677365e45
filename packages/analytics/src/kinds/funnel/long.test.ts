/** Funnels as long as they may be: their steps and exclusions lie in bits of one number. */
import fc from 'fast-check';
import type { StoredEvent } from '@tidemark/event';
import { funnel as oracle, funnelPeople, withOwners, type FunnelQuestion } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { askPeople } from '../../people/people.ts';
import { inListOrder, shown, withShares, type FunnelAnswer } from '../../testing/funnel-answers.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const START_MS = Date.UTC(2026, 4, 3);
const PLANS = ['free', 'pro', 'team'];

/** Names of the events of 20 steps; two of them ask for an earlier step's event again. */
const DISTINCT = Array.from({ length: 20 }, (_, i) => `e${i + 1}`);
const REPEATING = DISTINCT.with(10, 'e2').with(16, 'e13');
/** Ten exclusions over spans short and long, early and late. One spoils by an event that a step asks for. */
const SPOILERS = [...Array.from({ length: 9 }, (_, i) => `x${i + 1}`), 'e4'];
const exclusions = (steps: number) =>
  SPOILERS.map((event, i) => {
    const after = event === 'e4' ? 6 : 1 + ((i * 5) % (steps - 1));
    return { event, after, before: Math.min(steps, after + 1 + ((i * 3) % 7)) };
  });

/** Somebody's way along the steps: the seconds before each, how many of them, and what comes between. */
const way = fc.record({
  isRepeating: fc.boolean(),
  startSecond: fc.nat(5),
  gaps: fc.array(fc.constantFrom(0, 0, 1, 1, 2, 3), { minLength: 20, maxLength: 20 }),
  length: fc.oneof(fc.constant(20), fc.nat(20)),
  between: fc.array(fc.record({ at: fc.nat(19), name: fc.constantFrom(...DISTINCT, ...SPOILERS) }), { maxLength: 3 }),
  plan: fc.constantFrom(...PLANS, undefined),
});
type Way = typeof way extends fc.Arbitrary<infer Value> ? Value : never;

const CLEAN = { startSecond: 0, length: 20, between: [], plan: 'pro' };
/** Two who go all the way, as far as their steps are asked for: all in the same millisecond but where an event comes again. */
const ALL_THE_WAY: Way[] = [
  { ...CLEAN, isRepeating: false, gaps: DISTINCT.map(() => 0) },
  { ...CLEAN, isRepeating: true, gaps: DISTINCT.map((_, i) => (i === 10 || i === 16 ? 1 : 0)) },
];
/** For each exclusion of 20 steps one who would go all the way, but for it: it comes with its first step, or, if a step asks for it, with the next one. */
const SPOILT: Way[] = exclusions(20).map(({ event, after }) => ({
  ...CLEAN, isRepeating: true, gaps: DISTINCT.map(() => 1), between: [{ at: DISTINCT.includes(event) ? after : after - 1, name: event }],
}));

function eventsOf({ isRepeating, startSecond, gaps, length, between, plan }: Way, userId: string, project: string): StoredEvent[] {
  const seconds = gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap, startSecond));
  const done = (isRepeating ? REPEATING : DISTINCT).slice(0, length).map((name, at) => ({ name, at }));
  return [...done, ...between].map(({ name, at }) =>
    storedEvent({ project, userId, eventName: name, timeMs: START_MS + (seconds[at] ?? 0) * 1_000, properties: plan === undefined ? {} : { plan } }),
  );
}

const stepsOf = (names: readonly string[], n: number): { event: string | string[] }[] => names.slice(0, n).map((event, i) => (i === 4 ? { event: [event, 'x5'] } : { event }));
const BY_PLAN = { breakdown: ['properties.plan'] };
/** With exclusions or a breakdown each event's mask is carried; without them (the first and the last) its first step is all there is. */
const LONG: readonly (Pick<FunnelQuestion, 'steps' | 'order' | 'exclude' | 'breakdown' | 'breakdownFrom'>)[] = [
  { order: 'ordered', steps: stepsOf(REPEATING, 20) },
  { order: 'ordered', steps: stepsOf(REPEATING, 20), exclude: exclusions(20), ...BY_PLAN, breakdownFrom: { step: 20 } },
  { order: 'strict', steps: stepsOf(REPEATING, 20), ...BY_PLAN },
  { order: 'any', steps: stepsOf(DISTINCT, 20), ...BY_PLAN, breakdownFrom: 'last_touch' },
  { order: 'ordered', steps: stepsOf(DISTINCT, 12), exclude: exclusions(12) },
  { order: 'strict', steps: stepsOf(REPEATING, 12), exclude: exclusions(12), ...BY_PLAN },
  { order: 'any', steps: stepsOf(DISTINCT, 12) },
];

let round = 0;

describe('a long funnel', () => {
  it('answers, and lists the people of the last step, as the model does (rules F1 to F9, F12, F15)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(way, { minLength: 6, maxLength: 8, size: 'max' }), async (drawn) => {
        const project = `long${++round}`;
        const events = [...ALL_THE_WAY, ...SPOILT, ...drawn].flatMap((each, i) => eventsOf(each, `u${i}`, project));
        await store.add(events);
        const context = store.context(project);
        for (const asked of LONG) {
          const told = JSON.stringify(asked);
          const windowSeconds = asked.order === 'any' ? 10 : 30;
          const question: FunnelQuestion = { ...asked, includeBots: false, fromMs: START_MS, toMs: START_MS + 8_000, windowMs: windowSeconds * 1_000 };
          const body = { ...asked, from: '2026-05-03T00:00:00Z', to: '2026-05-03T00:00:08Z', window: `${windowSeconds}s` };
          const answer = (await ask('funnel', body, context)) as unknown as FunnelAnswer;
          expect(shown(answer), told).toEqual(withShares(oracle(withOwners(events), question), question));
          expect(answer.steps.at(-1)?.users, told).toBeGreaterThan(0);

          const step = asked.steps.length;
          const there = funnelPeople(withOwners(events), question).filter(({ reached }) => reached.at(-1));
          const list = await askPeople('funnel', { ...body, cell: { step }, pageSize: 1_000 }, context);
          expect(list.people.map(({ personId, userId }) => [personId, userId !== null]), told).toEqual(inListOrder(there));
        }
      }),
      { numRuns: 1, endOnFailure: true },
    );
  }, 120_000);
});
