import fc from 'fast-check';
import { attribution as oracle, withOwners, withSessions, type AttributionAnswer, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, type AskContext } from '../ask.ts';
import { askPeople } from '../people/people.ts';
import { history, PROPERTY_RUN, where } from '../testing/histories.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';
import { MODELS } from './attribution-question.ts';

const RUNS = Number(process.env['TIDEMARK_ATTRIBUTION_RUNS'] ?? 6);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

type Answer = AttributionAnswer;

const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2026, 4, 3);
const SPAN_MS = 20 * 15 * MINUTE_MS;

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const selector = fc.record({ event: fc.constantFrom('view', 'cart', 'buy'), where: seldom }, { requiredKeys: [] });
const property = fc.constantFrom('channel', 'channel', 'properties.plan', 'traits.plan', 'eventName', 'context.campaign', 'session.events');
const question = fc.record(
  {
    conversion: fc.record({ event: fc.constantFrom('buy', 'buy', 'cart'), where: seldom, value: fc.constantFrom('properties.price', 'properties.plan') }, { requiredKeys: ['event'] }),
    touch: selector,
    models: fc.uniqueArray(fc.constantFrom(...MODELS), { minLength: 1, maxLength: MODELS.length }),
    lookback: fc.constantFrom('15m', '1h', '2h', '1d'),
    halfLife: fc.constantFrom('15m', '1h', '7d'),
    channels: fc.array(fc.record({ name: fc.constantFrom('direct', 'internal', 'news', 'paid', 'other'), where }), { maxLength: 2 }),
    breakdown: fc.uniqueArray(property, { minLength: 1, maxLength: 2 }),
    limit: fc.integer({ min: 1, max: 3 }),
    includeBots: fc.boolean(),
    where: seldom,
  },
  { requiredKeys: ['conversion'] },
);
const situation = fc.record({
  events: fc
    .tuple(
      history('', { startMs: START_MS, spanMs: SPAN_MS, stepMs: 15 * MINUTE_MS, minEvents: 10, maxEvents: 45 }),
      fc.array(fc.record({ channel: fc.constantFrom('', 'direct', 'direct', 'paid', 'email', 'internal', 'social'), campaign: fc.constantFrom('spring', undefined) }), { minLength: 45, maxLength: 45 }),
    )
    .map(([events, found]) => events.map((event, i) => ({ ...event, channel: found[i]!.channel, context: JSON.stringify({ campaign: found[i]!.campaign }) }))),
  fromMs: fc.integer({ min: 0, max: 12 }).map((steps) => START_MS + steps * 15 * MINUTE_MS),
  lengthMs: fc.integer({ min: 1, max: 20 }).map((steps) => steps * 15 * MINUTE_MS),
  questions: fc.array(question, { minLength: 4, maxLength: 4 }),
});

/** 15m, 2h, 7d. */
function msOf(text: string): number {
  return Number.parseInt(text, 10) * { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 1_440 * MINUTE_MS }[text.at(-1)!]!;
}

/** Nobody is behind a group that a model gives nothing, and somebody behind each other; behind the whole are the people who converted (rule K5). */
async function hasPeople(body: object, { users, breakdowns: groups }: Pick<Answer, 'users' | 'breakdowns'>, model: string, context: AskContext): Promise<void> {
  const group = groups.find(({ breakdown }) => !breakdown.includes('other') && !breakdown.includes('(not set)'));
  const totalOf = async (cell: object): Promise<number> => (await askPeople('attribution', { ...body, cell }, context)).total;
  expect(await totalOf({})).toBe(users);
  if (group === undefined) return;
  const total = await totalOf({ model, breakdown: group.breakdown });
  expect(total > 0, JSON.stringify(body)).toBe(group.models[model]!.conversions > 0);
  expect(total).toBeLessThanOrEqual(users);
}

let round = 0;

describe('attribution', () => {
  it('answers as the model does, whatever the events and the question (rules A1 to A8)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `attribution${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const asked of questions) {
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const { conversions, value, users, withoutTouch, breakdowns } = (await ask('attribution', body, store.context(project))) as unknown as Answer;
          const models = asked.models ?? MODELS;
          const expected = oracle(withSessions(withOwners(events), 30 * MINUTE_MS), {
            breakdown: ['channel'], includeBots: false, ...(asked as object), models, fromMs, toMs,
            conversion: asked.conversion as never, channels: (asked.channels ?? []) as { name: string; where: Where }[],
            lookbackMs: msOf(asked.lookback ?? '30d'), halfLifeMs: msOf(asked.halfLife ?? '7d'),
          });
          expect({ conversions, value, users, withoutTouch, breakdowns }, JSON.stringify(body)).toEqual(expected);
          // One a history: a list costs as much as the answer.
          if (asked === questions[0]) await hasPeople(body, { users, breakdowns }, models[round % models.length]!, store.context(project));
          for (const model of models) {
            const billionths = breakdowns.reduce((sum, group) => sum + Math.round(group.models[model]!.conversions * 1e9), 0);
            expect(billionths).toBe(conversions * 1e9);
          }
        }
      }),
      { ...PROPERTY_RUN, numRuns: RUNS },
    );
  });

  it('gives the latest touch nearly all where the half-life is a moment', async () => {
    const at = (eventId: string, channel: string, days: number, more: object = {}) => storedEvent({ project: 'moment', eventId, channel, userId: 'ann', timeMs: START_MS + days * 1_440 * MINUTE_MS, ...more });
    await store.add([at('1', 'email', -300), at('2', 'paid', -200), at('3', '', 0, { eventName: 'buy' })]);
    const question = { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' }, models: ['time_decay'], lookback: '366d', halfLife: '1s' };
    expect(await ask('attribution', question, store.context('moment'))).toMatchObject({ breakdowns: [{ breakdown: ['paid'], models: { time_decay: { conversions: 1 } } }] });
  });
});
