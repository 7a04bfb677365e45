import fc from 'fast-check';
import { attribution as oracle, attributionPeople, type AttributionAnswer, type AttributionPeople, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import type { AskContext } from '../../asking/ask-context.ts';
import { WarehouseIdentities } from '../../identity/identities.ts';
import { anyProperty, history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { listed } from '../../testing/listed.ts';
import { saidIn } from '../../testing/options.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { MODELS } from './question.ts';

const RUN = kindsRun(3);

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
const selector = fc.record({ event: fc.constantFrom('view', 'cart', 'buy', ['view', 'cart']), where: seldom }, { requiredKeys: [] });
const ofTouch = fc.constantFrom('channel', 'channel', 'properties.plan', 'traits.plan', 'eventName', 'context.campaign.name', 'session.events', 'person.plan', 'group.plan', 'groupId', 'cohort.buyers');
const property = fc.oneof({ weight: 2, arbitrary: ofTouch }, { weight: 1, arbitrary: anyProperty });
const question = fc.record(
  {
    conversion: fc.record({ event: fc.constantFrom('buy', 'buy', 'cart', ['buy', 'cart']), where: seldom, value: fc.oneof({ weight: 3, arbitrary: fc.constantFrom('properties.price', 'properties.plan') }, { weight: 1, arbitrary: anyProperty }) }, { requiredKeys: ['event'] }),
    touch: selector,
    models: fc.uniqueArray(fc.constantFrom(...MODELS), { minLength: 1, maxLength: MODELS.length }),
    lookback: fc.constantFrom('15m', '1h', '2h', '1d'),
    halfLife: fc.constantFrom('15m', '1h', '7d'),
    channels: fc.array(fc.record({ name: fc.constantFrom('direct', 'internal', 'news', 'paid', 'other'), where }), { maxLength: 2 }),
    breakdown: fc.uniqueArray(property, { minLength: 1, maxLength: 3 }),
    limit: fc.integer({ min: 1, max: 3 }),
    includeBots: fc.boolean(),
    where: seldom,
  },
  { requiredKeys: ['conversion'] },
);
const situation = fc.record({
  events: fc
    .tuple(
      inGroups(history('', { startMs: START_MS, spanMs: SPAN_MS, stepMs: 15 * MINUTE_MS, minEvents: 10, maxEvents: 45 })),
      fc.array(fc.constantFrom('', 'direct', 'direct', 'paid', 'email', 'internal', 'social'), { minLength: 45, maxLength: 45 }),
    )
    .map(([events, channels]) => events.map((event, i) => ({ ...event, channel: channels[i]!, context: JSON.stringify({ ...(JSON.parse(event.context) as object), channel: channels[i] || undefined }) }))),
  fromMs: fc.integer({ min: 0, max: 12 }).map((steps) => START_MS + steps * 15 * MINUTE_MS),
  lengthMs: fc.integer({ min: 1, max: 20 }).map((steps) => steps * 15 * MINUTE_MS),
  questions: fc.array(question, { minLength: 4, maxLength: 4 }),
});

/** 15m, 2h, 7d. */
function msOf(text: string): number {
  return Number.parseInt(text, 10) * { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 1_440 * MINUTE_MS }[text.at(-1)!]!;
}

/** Behind the whole, the conversions without a touch and a group are just the people whom the model counts there (rule K5). */
async function hasPeople(body: { breakdown?: readonly string[] }, { breakdowns: groups }: Pick<Answer, 'breakdowns'>, { converted, withoutTouch, ofGroup }: AttributionPeople, model: string, context: AskContext): Promise<void> {
  // A plan may itself read so: then the label does not tell which group is meant.
  const isUnset = (label: string, i: number): boolean => label === '(not set)' && !(body.breakdown?.[i]?.endsWith('.plan') ?? false);
  const isPlain = (label: string): boolean => label !== 'other' && label !== '(not set)';
  const named = groups.filter(({ breakdown }) => breakdown.every((label, i) => isPlain(label) || isUnset(label, i)));
  const group = named.find(({ breakdown }) => breakdown.includes('(not set)')) ?? named[0];
  const about = JSON.stringify(body);
  expect(await listed('attribution', body, {}, context), about).toEqual(converted.toSorted());
  expect(await listed('attribution', body, { withoutTouch: true }, context), about).toEqual(withoutTouch.toSorted());
  if (group === undefined) return;
  expect(await listed('attribution', body, { model, breakdown: group.breakdown }, context), about).toEqual(ofGroup(model, group.breakdown).toSorted());
}

/** Shares of values beyond what a Decimal holds are added as floats: of these, 12 digits count. */
const rounded = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer), (_, each: unknown) => (typeof each === 'number' && Math.abs(each) > 1e21 ? Number(each.toPrecision(12)) : each));

let round = 0;

describe('attribution', () => {
  it('is drawn with one of several names of events, and by what is known of persons and groups', () => {
    expect(fc.sample(question, { numRuns: 500, seed: 1 }).flatMap((drawn) => saidIn(drawn))).toEqual(expect.arrayContaining(['conversion.event[]=cart', 'touch.event[]=view', 'breakdown[]=person.plan', 'breakdown[]=group.plan', 'breakdown[]=groupId']));
  });

  it('answers as the model does, whatever the events and the question (rules A1 to A8)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `attribution${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const { known, context } = withSavedCohorts(events, store.context(project));
        const toMs = fromMs + lengthMs;
        for (const asked of questions) {
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const { conversions, value, users, withoutTouch, breakdowns } = (await ask('attribution', body, context)) as unknown as Answer;
          const models = asked.models ?? MODELS;
          const question = {
            breakdown: ['channel'], includeBots: false, ...(asked as object), models, fromMs, toMs,
            conversion: asked.conversion as never, channels: (asked.channels ?? []) as { name: string; where: Where }[],
            lookbackMs: msOf(asked.lookback ?? '30d'), halfLifeMs: msOf(asked.halfLife ?? '7d'),
          };
          expect(rounded({ conversions, value, users, withoutTouch, breakdowns }), JSON.stringify(body)).toEqual(rounded(oracle(known, question)));
          // One a history: a list costs as much as the answer.
          if (asked === questions[0]) await hasPeople(body, { breakdowns }, attributionPeople(known, question), models[round % models.length]!, context);
          for (const model of models) {
            const billionths = breakdowns.reduce((sum, group) => sum + Math.round(group.models[model]!.conversions * 1e9), 0);
            expect(billionths).toBe(conversions * 1e9);
          }
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  it('has nobody without a touch in a group or by a model (rule K6)', async () => {
    const question = { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' } };
    for (const more of [{ model: 'linear' }, { model: 'linear', breakdown: ['direct'] }]) {
      await expect(listed('attribution', question, { withoutTouch: true, ...more }, store.context('nobody'))).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'cell.withoutTouch' }] });
    }
  });

  it('gives the latest touch nearly all where the half-life is a moment', async () => {
    const at = (eventId: string, channel: string, days: number, more: object = {}) => storedEvent({ project: 'moment', eventId, channel, userId: 'ann', timeMs: START_MS + days * 1_440 * MINUTE_MS, ...more });
    await store.add([at('1', 'email', -300), at('2', 'paid', -200), at('3', '', 0, { eventName: 'buy' })]);
    const question = { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' }, models: ['time_decay'], lookback: '366d', halfLife: '1s' };
    expect(await ask('attribution', question, store.context('moment'))).toMatchObject({ breakdowns: [{ breakdown: ['paid'], models: { time_decay: { conversions: 1 } } }] });
  });

  it('finds the touches of whoever converted: by another device of theirs, without one, logged out, or under the name they had before', async () => {
    const project = 'elsewhere';
    const at = (eventId: string, minutes: number, more: object) => storedEvent({ project, eventId, timeMs: START_MS + minutes * MINUTE_MS, ...more });
    const [touch, bought] = [{ channel: 'email' }, { eventName: 'buy' }];
    await store.add([
      at('1', 0, { ...touch, anonymousId: 'd1' }), at('2', 1, { userId: 'ann', anonymousId: 'd1' }), at('3', 2, { ...bought, userId: 'ann' }),
      at('4', 0, { ...touch, userId: 'bob' }), at('5', 1, { userId: 'bob', anonymousId: 'd2' }), at('6', 2, { ...bought, anonymousId: 'd2' }),
      at('7', 0, { ...touch, anonymousId: 'd3' }), at('8', 1, { userId: 'cyd', anonymousId: 'd3' }), at('9', 1, { userId: 'cyd', anonymousId: 'd4' }), at('10', 2, { ...bought, anonymousId: 'd4' }),
      at('11', 0, { ...touch, userId: 'old' }), at('12', 1, { type: 'alias', userId: 'new', previousId: 'old' }), at('13', 2, { ...bought, userId: 'new' }),
      at('14', 0, { ...touch, userId: 'd5' }), at('15', 2, { ...bought, anonymousId: 'd5' }),
    ]);
    const question = { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' }, models: ['last_touch'], breakdown: [] };
    const identities = new WarehouseIdentities({ warehouse: store.warehouse, decisionsOf: async () => [] });
    // A user is no device of the same name.
    expect(await ask('attribution', question, { ...store.context(project), identities })).toMatchObject({ conversions: 5, users: 5, withoutTouch: 1 });
  });

  it('knows of who had no touch what is of the person: their properties and cohorts, not those of a touch (rule A6)', async () => {
    const at = (userId: string, minutes: number, more: object) => storedEvent({ project: 'known', eventId: `${userId}${minutes}`, userId, timeMs: START_MS + minutes * MINUTE_MS, ...more });
    const context = { ...store.context('known'), cohort: async () => ({ question: { from: '2026-05-03', to: '2026-05-04', all: [{ did: 'view' }] } }) };
    await store.add([
      at('ann', 0, { eventName: 'view', channel: 'email' }), at('ann', 1, { eventName: 'buy', traits: { plan: 'pro' } }),
      at('bob', 0, { eventName: 'view' }), at('bob', 1, { eventName: 'buy', traits: { plan: 'pro' } }),
      at('cyd', 1, { eventName: 'buy', traits: { plan: 'free' } }),
      at('dan', 1, { eventName: 'buy' }),
    ]);
    const groups = async (breakdown: string[]): Promise<object> => {
      const { breakdowns } = (await ask('attribution', { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' }, models: ['linear'], breakdown }, context)) as unknown as Answer;
      return breakdowns.map((group) => [...group.breakdown, group.models['linear']!.conversions]);
    };
    expect(await groups(['cohort.viewers'])).toEqual([['in', 2], ['not in', 2]]);
    expect(await groups(['person.plan'])).toEqual([['pro', 2], ['free', 1], ['(not set)', 1]]);
    expect(await groups(['channel', 'cohort.viewers', 'traits.plan'])).toEqual([['direct', 'not in', '(not set)', 2], ['direct', 'in', '(not set)', 1], ['email', 'in', '(not set)', 1]]);
    expect(await groups(['eventName', 'person.plan'])).toEqual([['(not set)', 'free', 1], ['(not set)', 'pro', 1], ['view', 'pro', 1], ['(not set)', '(not set)', 1]]);
    const people = { from: '2026-05-03', to: '2026-05-04', conversion: { event: 'buy' }, models: ['linear'], breakdown: ['cohort.viewers'] };
    expect(await listed('attribution', people, { model: 'linear', breakdown: ['not in'] }, context)).toEqual(['user cyd', 'user dan']);
  });

  it('reads as far before the look-back as a visit may have begun there, and no farther (rules A2, A3)', async () => {
    const at = (hours: number, ms = 0): number => START_MS + hours * 60 * MINUTE_MS + ms;
    const conversion = { eventName: 'buy', timeMs: at(12) };
    // The window begins at 11:00; a touch then is a repeat of one not more than 30 minutes earlier, which itself is too early to count.
    for (const [i, [before, touch, isRepeat]] of ([
      [at(10.5), at(11), true],
      [at(10.5, -1), at(11), false],
      [at(10.75), at(11.25), true],
      [at(10.75), at(11.25, 1), false],
      [at(10.5), at(11, -1), true],
      [at(11, -1), at(11, -1), true],
    ] as const).entries()) {
      const project = `lookback${i}`;
      await store.add([{ channel: 'email', timeMs: before }, { channel: 'email', timeMs: touch }, conversion].map((event) => storedEvent({ project, userId: 'ann', ...event })));
      const question = { from: '2026-05-03T12:00:00Z', to: '2026-05-03T12:00:01Z', lookback: '1h', conversion: { event: 'buy' }, models: ['first_touch'] };
      const group = isRepeat ? 'direct' : 'email';
      expect(await ask('attribution', question, store.context(project)), String(i)).toMatchObject({ conversions: 1, withoutTouch: isRepeat ? 1 : 0, breakdowns: [{ breakdown: [group], models: { first_touch: { conversions: 1 } } }] });
    }
  });

  it('adds up in every model, and is not changed by a condition that always holds; the parts of a cohort are those of the whole (rules A8, C7)', async () => {
    const given = fc.tuple(situation, fc.constantFrom<object>({ property: 'cohort', op: 'not_in', value: ['nobody'] }, { property: 'eventName', op: 'is_set' }, { any: [{ property: 'userId', op: 'is_set' }, { property: 'userId', op: 'is_not_set' }] }));
    await fc.assert(
      fc.asyncProperty(given, async ([{ events, fromMs, lengthMs, questions }, always]) => {
        const project = `attribution${++round}`;
        const held = events.map((event) => ({ ...event, project }));
        await store.add(held);
        const others = withSavedCohorts(held, store.context(project)).context;
        const time = { from: new Date(fromMs).toISOString(), to: new Date(fromMs + lengthMs).toISOString() };
        const cohorts: Record<string, object> = { viewers: { ...time, all: [{ did: 'view' }] }, nobody: { ...time, all: [{ did: 'never' }] } };
        const context: AskContext = { ...others, cohort: async (_, name) => (Object.hasOwn(cohorts, name) ? { question: cohorts[name] } : others.cohort?.(project, name)) };
        const answerTo = async (body: object): Promise<Answer> => {
          const { conversions, value, users, withoutTouch, breakdowns } = (await ask('attribution', body, context)) as unknown as Answer;
          return { conversions, value, users, withoutTouch, breakdowns };
        };
        const isMember = (op: string): object => ({ property: 'cohort', op, value: ['viewers'] });
        for (const asked of questions.slice(0, 1)) {
          const body = { ...asked, ...time, conversion: { event: asked.conversion.event, value: 'properties.n', where: asked.conversion.where ?? [] } };
          const own = (asked.where ?? []) as object[];
          const whole = await answerTo(body);
          expect(await answerTo({ ...body, where: [...own, always] }), JSON.stringify(body)).toEqual(whole);
          for (const model of asked.models ?? MODELS) {
            for (const what of ['conversions', 'value'] as const) expect(whole.breakdowns.reduce((sum, { models }) => sum + models[model]![what], 0)).toBeCloseTo(whole[what], 6);
          }
          // Whoever converted, the touches are theirs, and without one they are a member or not all the same: the groups of the whole are those of its parts.
          const split = { ...body, breakdown: ['cohort.viewers'], limit: 3 };
          const [all, members, others] = [await answerTo(split), await answerTo({ ...split, where: [...own, isMember('in')] }), await answerTo({ ...split, where: [...own, isMember('not_in')] })];
          for (const what of ['conversions', 'users', 'withoutTouch'] as const) expect(members[what] + others[what], `${what} ${JSON.stringify(split)}`).toBe(all[what]);
          for (const [group, part] of [['in', members], ['not in', others]] as const) {
            const given = all.breakdowns.filter(({ breakdown }) => breakdown[0] === group);
            expect(part.breakdowns, JSON.stringify(split)).toEqual(given);
            const [model] = asked.models ?? MODELS;
            expect(given[0]?.models[model!]?.conversions ?? 0).toBe(part.conversions);
          }
        }
      }),
      { ...RUN, numRuns: Math.ceil(RUN.numRuns / 3) },
    );
  }, RUN.timeoutMs);
});
