import fc from 'fast-check';
import { cohort as oracle, trend as trendOracle, withCohorts, type CohortQuestion, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import type { AskContext } from '../../asking/ask-context.ts';
import { askPeople } from '../../people/people.ts';
import { QuestionError } from '../../question/problem.ts';
import { history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { listed } from '../../testing/listed.ts';
import { COHORTS, withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const RUN = kindsRun(2);
const START_MS = Date.UTC(2026, 2, 1);
const HOUR_MS = 3_600_000;
const SPAN_MS = 48 * HOUR_MS;

/** Names that would break out of a text, a comment or a name in SQL. */
const NASTY = ["o'brien", '\\', "'); DROP TABLE events; --", '/* `x` */', '\0', 'ü.é 🙂', 'cohort_of_61', '"'];

interface Answer {
  size: number;
  of: number;
  share: number;
  breakdowns: { breakdown: string[]; size: number }[];
}

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const names = fc.constantFrom('view', 'cart', 'buy', '*', ['view', 'buy']);
const hours = fc.constantFrom(1, 3, 12);
const within = fc.option(hours, { nil: undefined });
const plan = fc.constantFrom<string | number | boolean>('free', 'pro', 12, true);
const onPerson = fc.oneof(
  fc.record({ property: fc.constant('person.plan'), op: fc.constantFrom('=', '!=', 'contains', '>='), value: fc.constantFrom('free', 'pro', '12') }),
  fc.record({ property: fc.constant('person.plan'), op: fc.constantFrom('in', 'not_in'), value: fc.array(plan, { minLength: 1, maxLength: 2 }) }),
  fc.record({ property: fc.constant('person.plan'), op: fc.constantFrom('is_set', 'is_not_set') }),
);
const onCohort = fc.record({ property: fc.constant('cohort'), op: fc.constantFrom('in', 'not_in'), value: fc.constantFrom(['a'], ['b'], ['a', 'b'], ...COHORTS.map((name) => ['a', name])) });
const did = fc
  .record({ did: names, where: seldom, atLeast: fc.option(fc.nat(3), { nil: undefined }), more: fc.option(fc.nat(2), { nil: undefined }), within })
  .map(({ atLeast, more, ...rest }) => ({ ...rest, atLeast, atMost: more === undefined ? (atLeast === 0 ? 1 : undefined) : (atLeast ?? 1) + more }));
const didNot = fc.record({ didNot: names, where: seldom, within });
const sequence = fc.record({ sequence: fc.array(fc.record({ event: fc.constantFrom('view', 'cart', 'buy'), where: seldom }, { requiredKeys: ['where'] }), { minLength: 2, maxLength: 6 }), window: hours });

/** As asked: hours become durations. The model takes them as ms. */
function asAsked(item: unknown): unknown {
  return JSON.parse(JSON.stringify(item), (key, value: unknown) => ((key === 'within' || key === 'window') && typeof value === 'number' ? `${value}h` : value));
}
function asModel(item: object): object {
  if ('any' in item) return { any: (item.any as object[]).map(asModel) };
  const { within: last, window, ...rest } = item as { within?: number; window?: number };
  return { ...rest, ...(last !== undefined && { withinMs: last * HOUR_MS }), ...(window !== undefined && { windowMs: window * HOUR_MS }) };
}

const conditions = (more: readonly fc.Arbitrary<object>[]): fc.Arbitrary<object[]> => {
  const one = fc.oneof(did, did, didNot, sequence, onPerson, ...more);
  return fc.array(fc.oneof({ weight: 4, arbitrary: one }, { weight: 1, arbitrary: fc.record({ any: fc.array(one, { minLength: 1, maxLength: 3 }) }) }), { minLength: 1, maxLength: 5 });
};
const drawn = (more: readonly fc.Arbitrary<object>[] = []) =>
  fc.record({
    all: conditions(more),
    where: seldom,
    includeBots: fc.boolean(),
    time: fc.tuple(fc.nat(47), fc.integer({ min: 1, max: 48 })).map(([from, length]) => ({ fromMs: START_MS + from * HOUR_MS, toMs: START_MS + (from + length) * HOUR_MS })),
  });
const situation = fc.record({
  events: inGroups(history('', { startMs: START_MS, spanMs: SPAN_MS, stepMs: HOUR_MS / 2, minEvents: 8, maxEvents: 40 })),
  nowMs: fc.nat(48).map((hour) => START_MS + hour * HOUR_MS),
  a: drawn(),
  b: drawn([onCohort.map((condition) => ({ ...condition, value: ['a'] }))]),
  questions: fc.array(fc.record({ drawn: drawn([onCohort]), breakdown: fc.constantFrom([], ['person.plan'], ['cohort.a', 'person.plan'], ['cohort.b'], ['cohort.b', 'person.plan', 'cohort.buyers']), limit: fc.integer({ min: 1, max: 3 }) }), { minLength: 3, maxLength: 3 }),
});
type Drawn = { all: object[]; where: unknown; includeBots: boolean; time: { fromMs: number; toMs: number } };

function bodyOf({ all, time, ...rest }: Drawn): object {
  return { ...rest, all: asAsked(all), from: new Date(time.fromMs).toISOString(), to: new Date(time.toMs).toISOString() };
}
function modelOf({ all, time, where: conditionsOf, includeBots }: Drawn, nowMs: number): CohortQuestion {
  return { ...time, nowMs, includeBots, where: conditionsOf as Where, all: all.map(asModel) as CohortQuestion['all'] };
}

let round = 0;
/** Context in which these questions are saved as cohorts, beside `others`. */
function saved(project: string, cohorts: Record<string, object>, nowMs?: number, others?: AskContext['cohort']): AskContext {
  return { ...store.context(project, nowMs), cohort: async (_, name) => (Object.hasOwn(cohorts, name) ? { question: cohorts[name] } : others?.(project, name)) };
}
const ids = (members: readonly string[]): string[] => members.map((node) => node.slice(node.indexOf(' ') + 1)).toSorted();

describe('cohort', () => {
  it('answers as the model does, whatever the events, the question and the saved cohorts (rules C1 to C8, K3)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, nowMs, a, b, questions }) => {
        const project = `cohort${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const others = withSavedCohorts(events, store.context(project, nowMs));
        const context = saved(project, { a: bodyOf(a), b: bodyOf(b) }, nowMs, others.context.cohort);
        const { known, members } = others;
        const membersOfA = oracle(known, modelOf(a, nowMs)).members;
        const membersOfB = oracle(withCohorts(known, { ...members, a: membersOfA }), modelOf(b, nowMs)).members;
        const all = withCohorts(known, { ...members, a: membersOfA, b: membersOfB });
        for (const { drawn: each, breakdown, limit } of questions) {
          const body = { ...bodyOf(each), breakdown, limit };
          const answer = (await ask('cohort', body, context)) as unknown as Answer;
          const expected = oracle(all, { ...modelOf(each, nowMs), breakdown, limit });
          expect({ size: answer.size, of: answer.of, breakdowns: answer.breakdowns }, JSON.stringify(body)).toEqual({ size: expected.members.length, of: expected.of, breakdowns: expected.breakdowns });
          const { people, total } = await askPeople('cohort', { ...body, cell: {} }, context);
          expect(total, JSON.stringify(body)).toBe(answer.size);
          expect(people.map(({ personId }) => personId).toSorted()).toEqual(ids(expected.members));
          expect(await listed('cohort', body, { of: true }, context), JSON.stringify(body)).toEqual(expected.everybody.toSorted());
        }
        // A value may read like a group of several, or of none.
        const group = ((await ask('cohort', { ...bodyOf(a), breakdown: ['person.plan'], limit: 1 }, context)) as unknown as Answer).breakdowns.find(({ breakdown: [label = ''] }) => !['other', '(not set)'].includes(label));
        if (group !== undefined) expect((await askPeople('cohort', { ...bodyOf(a), breakdown: ['person.plan'], limit: 1, cell: { breakdown: group.breakdown } }, context)).total).toBe(group.size);

        const time = { from: new Date(START_MS).toISOString(), to: new Date(START_MS + 2 * SPAN_MS).toISOString() };
        for (const op of ['in', 'not_in']) {
          const filter = [{ property: 'cohort', op, value: ['a', 'b'] }];
          const answer = (await ask('trend', { ...time, series: [{ measure: 'events' }, { measure: 'users' }], where: filter, breakdown: ['cohort.b'], includeBots: true }, context)) as unknown as { series: { breakdown: string[]; total: number }[] };
          const lines = trendOracle(all, {
            fromMs: START_MS, toMs: START_MS + 2 * SPAN_MS, timezone: 'UTC', granularity: 'day', includeBots: true, where: filter, breakdown: ['cohort.b'], series: [{ measure: 'events' }, { measure: 'users' }],
          }).flat();
          const plain = (of: readonly { breakdown: string[]; total: number }[]) => of.map(({ breakdown, total }) => [breakdown[0], total]);
          expect(plain(answer.series), op).toEqual(plain(lines));
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  it('counts from the very beginning of `within`, people without any, devices of members, and steps up to now (rules C2, C5, C7)', async () => {
    const project = 'cohort edges';
    const at = (hour: number): number => Date.UTC(2026, 4, 3, hour);
    await store.add([
      storedEvent({ project, userId: 'ann', anonymousId: 'd1', eventName: 'view', timeMs: at(1) }),
      storedEvent({ project, anonymousId: 'd1', eventName: 'view', timeMs: at(2) }),
      storedEvent({ project, userId: 'ann', eventName: 'buy', timeMs: at(5) }),
      storedEvent({ project, userId: 'bob', eventName: 'cart', timeMs: at(2) }),
    ]);
    const time = { from: '2026-05-03T00:00:00Z', to: '2026-05-03T04:00:00Z' };
    const ofAnn = { ...time, all: [{ did: 'view', where: [{ property: 'userId', op: 'is_set' }], within: '3h' }, { did: '*' }] };
    const context = saved(project, { ofAnn, none: { ...time, all: [{ did: 'view', atLeast: 0, atMost: 0 }] } }, at(4));
    expect(await ask('cohort', ofAnn, context)).toMatchObject({ size: 1, of: 2 });
    const inCohort = async (name: string): Promise<object> => ask('trend', { ...time, series: [{ measure: 'events' }], where: [{ property: 'cohort', op: 'in', value: [name] }] }, context);
    expect(await inCohort('ofAnn')).toMatchObject({ series: [{ total: 2 }] });
    expect(await inCohort('none')).toMatchObject({ series: [{ total: 1 }] });
    const sequence = { ...time, all: [{ sequence: [{ event: 'view' }, { event: 'buy' }] }] };
    expect(await ask('cohort', sequence, context)).toMatchObject({ size: 0 });
    expect(await ask('cohort', sequence, saved(project, {}, at(5)))).toMatchObject({ size: 1 });
  });

  it('takes any name and any text as it is', async () => {
    const project = 'cohort texts';
    await store.add(NASTY.flatMap((text, i) => [storedEvent({ project, userId: `u${i}`, eventName: text, properties: { item: text }, traits: { plan: text } })]));
    const time = { from: '2026-05-01', to: '2026-05-10' };
    const context = saved(project, Object.fromEntries(NASTY.map((name) => [name, { ...time, all: [{ did: name }] }])));
    for (const name of NASTY) {
      for (const condition of [
        { did: name }, { did: '*', where: [{ property: 'properties.item', op: '=', value: name }] }, { property: 'person.plan', op: '=', value: name }, { property: 'cohort', op: 'in', value: [name] },
        { property: `cohort.${name}`, op: '=', value: 'in' },
      ]) {
        expect(await ask('cohort', { ...time, all: [condition] }, context), JSON.stringify(condition)).toMatchObject({ size: 1, of: NASTY.length });
      }
      const split = await ask('trend', { ...time, series: [{ measure: 'users' }], breakdown: [`cohort.${name}`] }, context);
      expect(split).toMatchObject({ series: [{ breakdown: ['not in'], total: NASTY.length - 1 }, { breakdown: ['in'], total: 1 }] });
    }
  });

  it('is a filter and a breakdown of every kind, whose parts add up', async () => {
    const project = 'cohort kinds';
    await store.add(['ann', 'bob', 'cid'].flatMap((userId, i) => [storedEvent({ project, userId, eventName: 'view' }), ...(i < 2 ? [storedEvent({ project, userId, eventName: 'buy', timeMs: Date.UTC(2026, 4, 3, 11) })] : [])]));
    const time = { from: '2026-05-01', to: '2026-05-10' };
    const context = saved(project, { buyers: { ...time, all: [{ did: 'buy' }] } });
    const sizes: Record<string, (answer: never) => number> = {
      trend: (answer: { series: { total: number }[] }) => answer.series[0]?.total ?? 0,
      funnel: (answer: { steps: { users: number }[] }) => answer.steps[0]?.users ?? 0,
      sessions: (answer: { users: number }) => answer.users,
      retention: (answer: { mean: { size: number } }) => answer.mean.size,
      cohort: (answer: { size: number }) => answer.size,
    } as never;
    const own: Record<string, object> = {
      trend: { series: [{ measure: 'users' }] }, funnel: { steps: [{ event: 'view' }, { event: 'buy' }] }, sessions: {}, retention: { start: { event: 'view' }, return: {}, periods: 1 }, cohort: { all: [{ did: 'view' }] },
    };
    for (const [kind, sizeOf] of Object.entries(sizes)) {
      const asked = async (more: object): Promise<number> => sizeOf((await ask(kind, { ...time, ...own[kind], ...more }, context)) as never);
      const within = (op: string) => asked({ where: [{ property: 'cohort', op, value: ['buyers'] }] });
      expect([await within('in'), await within('not_in'), await asked({})], kind).toEqual([2, 1, 3]);
      const split = (await ask(kind, { ...time, ...own[kind], breakdown: ['cohort.buyers'] }, context)) as { breakdowns?: { breakdown: string[] }[]; series?: { breakdown: string[] }[] };
      expect((split.breakdowns ?? split.series ?? []).map(({ breakdown }) => breakdown), kind).toEqual([['in'], ['not in']]);
    }
  });

  it('refuses what no rule explains, by name of the field (rules C2, C4, C7 to C9)', async () => {
    const cohorts = {
      circle: { all: [{ property: 'cohort', op: 'in', value: ['round'] }] }, round: { all: [{ any: [{ property: 'cohort', op: 'not_in', value: ['circle'] }] }] },
      c1: { all: [{ did: '*' }] }, orphan: { all: [{ property: 'cohort', op: 'in', value: ['gone'] }] },
      ...Object.fromEntries([2, 3, 4, 5, 6].map((n) => [`c${n}`, { all: [{ property: 'cohort', op: 'in', value: [`c${n - 1}`] }] }])),
    };
    const context = saved('cohort refusals', cohorts);
    const inCohort = (value: unknown, op = 'in') => ({ property: 'cohort', op, value });
    for (const [all, code, field] of [
      [[{ did: 'a', atLeast: 0 }], 'missing_field', 'all[0].atMost'],
      [[{ did: 'a' }, { any: [{ did: 'a', atLeast: 3, atMost: 2 }] }], 'invalid_value', 'all[1].any[0].atMost'],
      [[{ did: 'a', within: '400d' }], 'invalid_value', 'all[0].within'],
      [[{ property: 'groupId', op: 'is_set' }], 'unsupported_combination', 'all[0].property'],
      [[{ property: 'plan', op: 'is_set' }], 'unknown_property', 'all[0].property'],
      [[inCohort('c1')], 'invalid_value', 'all[0].value'],
      [[inCohort(['c1'], '=')], 'invalid_value', 'all[0].op'],
      [[inCohort(['nobody'])], 'unknown_cohort', 'all[0].value'],
      [[inCohort(['c1', 'orphan'])], 'unknown_cohort', 'all[0].value'],
      [[inCohort(['circle'])], 'cohort_cycle', 'all[0].value'],
      [[inCohort(['c6'])], 'invalid_value', 'all[0].value'],
      [[], 'invalid_value', 'all'],
      [undefined, 'missing_field', 'all'],
      [[{ sequence: [{ event: 'a' }] }], 'invalid_value', 'all[0].sequence'],
    ] as const) {
      const error: unknown = await ask('cohort', { all }, context).catch((thrown: unknown) => thrown);
      expect(error, `${code} ${JSON.stringify(all)}`).toBeInstanceOf(QuestionError);
      expect((error as QuestionError).problems[0], JSON.stringify(all)).toMatchObject({ code, field });
    }
    expect(await ask('cohort', { all: [inCohort(['c5'])] }, context)).toMatchObject({ size: 0, of: 0, share: 0 });
    await expect(listed('cohort', { all: [{ did: '*' }], breakdown: ['person.plan'] }, { of: true, breakdown: ['pro'] }, context)).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'cell.of' }] });
    const split: unknown = await ask('cohort', { all: [{ did: '*' }], breakdown: ['eventName'] }, context).catch((thrown: unknown) => thrown);
    expect((split as QuestionError).problems[0]).toMatchObject({ code: 'unsupported_combination', field: 'breakdown[0]' });
  });
});
