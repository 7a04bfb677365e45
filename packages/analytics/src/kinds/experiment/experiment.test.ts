import fc from 'fast-check';
import { experiment as oracle, experimentPeople, experimentRoles, headline as concluded, requiredPeople, sampleRatio as ratioOf, type ExperimentSums, type ExposedPerson, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { anyProperty, breakdown, history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { listed } from '../../testing/listed.ts';
import { neverSaid, saidIn } from '../../testing/options.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';
import { Question } from './question.ts';

const RUN = kindsRun(4);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Figures {
  variant: string;
  users: number;
  converted?: number;
  mean?: number;
  standardDeviation?: number | null;
  difference?: number | null;
  pValue?: number | null;
}
interface Group {
  breakdown: string[];
  variants: { variant: string; users: number }[];
  metrics: { role: string; requiredSampleSize: number | null; variants: Figures[] }[];
}
interface Answer extends Group {
  crossovers: number;
  unfinished?: number;
  sampleRatio: { chiSquare: number | null; pValue: number; mismatch: boolean };
  headline: { variant: string; result: string; adjustedPValue: number | null }[] | null;
  breakdowns: Group[];
}

const START_MS = Date.UTC(2026, 4, 3);
const MINUTE_MS = 60_000;
const STEP_MS = 15 * MINUTE_MS;
const NOW_MS = START_MS + 24 * STEP_MS;

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const selector = { event: fc.constantFrom('view', 'cart', 'buy', ['view', 'cart'], ['buy', 'never seen']), where: seldom };
const measure = fc.oneof(fc.constantFrom('conversion', 'events', { sum: 'properties.price' }, { sum: 'properties.plan' }), fc.oneof(anyProperty, fc.constant('session.duration')).map((sum) => ({ sum })));
const meant = { role: fc.constantFrom('primary', 'secondary', 'guardrail'), better: fc.constantFrom('higher', 'lower'), label: fc.constantFrom('one', 'two') };
/** Of the drawn metrics the first primary stays the only one: a second is refused. */
const withOnePrimary = <Metric extends { role?: string }>(metrics: readonly Metric[]): Metric[] => {
  const first = metrics.findIndex(({ role }) => role === 'primary');
  return metrics.map((metric, i) => (metric.role === 'primary' && i !== first ? { ...metric, role: 'secondary' } : metric));
};
const minimumEffect = fc.constantFrom(0.01, 0.05, 0.5, 1, 100);
const question = fc.record(
  {
    exposure: fc.record(selector, { requiredKeys: [] }),
    variant: fc.oneof({ weight: 4, arbitrary: fc.constantFrom('properties.plan', 'properties.a.b', 'properties.plan', 'traits.plan') }, { weight: 1, arbitrary: fc.constantFrom('person.plan', 'group.plan', 'context.channel', 'session.country', 'cohort.buyers') }),
    metrics: fc.array(fc.record({ ...selector, ...meant, measure }, { requiredKeys: [] }), { minLength: 1, maxLength: 4 }).map(withOnePrimary),
    window: fc.constantFrom('15m', '1h', '2h', '1d'),
    control: fc.constantFrom('free', 'pro', '2', 'nobody'),
    split: fc.constantFrom({ 1: 0.5, 2: 0.5 }, { 1: 0.99, 2: 0.01 }, { 1: 1, 2: 0 }, { 1: 0.4, 2: 0.4, 3: 0.2 }, { free: 0.5, pro: 0.5 }),
    minimumEffect,
    breakdown,
    limit: fc.integer({ min: 1, max: 3 }),
    includeBots: fc.boolean(),
    where: seldom,
  },
  { requiredKeys: ['exposure', 'variant', 'metrics'] },
);
const situation = fc.record({
  events: inGroups(history('', { startMs: START_MS, spanMs: 20 * STEP_MS, stepMs: STEP_MS, minEvents: 10, maxEvents: 45 })),
  fromMs: fc.integer({ min: 0, max: 8 }).map((steps) => START_MS + steps * STEP_MS),
  lengthMs: fc.integer({ min: 4, max: 20 }).map((steps) => steps * STEP_MS),
  questions: fc.array(question, { minLength: 5, maxLength: 5 }),
});

/** The answer's counts and moments of a group are those of the model. */
function expectFigures(found: Group, expected: ExperimentSums, metrics: readonly { measure?: unknown }[], about: string): void {
  const seen = found.variants.filter(({ users }) => users > 0).toSorted((a, b) => Buffer.compare(Buffer.from(a.variant), Buffer.from(b.variant)));
  expect(seen, about).toEqual(expected.variants.map(({ variant, users }) => ({ variant, users })));
  for (const { variant, users, metrics: figures } of expected.variants) {
    for (const [i, { converted, mean, squares }] of figures.entries()) {
      const own = found.metrics[i]!.variants.find((each) => each.variant === variant)!;
      if (metrics[i]!.measure === undefined || metrics[i]!.measure === 'conversion') expect(own, about).toMatchObject({ users, converted });
      else {
        expect(own.mean, about).toBe(Number(mean!.toPrecision(6)));
        const deviation = users < 2 ? null : Math.sqrt(squares! / (users - 1));
        if (deviation === null || deviation === 0) expect(own.standardDeviation, about).toBe(deviation);
        else expect(own.standardDeviation! / deviation, about).toBeCloseTo(1, 4);
      }
    }
  }
}

/** What is concluded of the whole's figures is what the rules say, whatever roles, directions, shares and effect were meant. */
function expectConclusions(answer: Answer, { metrics, split, minimumEffect: effect }: { metrics: readonly object[]; split?: object; minimumEffect?: number }, about: string): void {
  const { chiSquare, mismatch } = ratioOf(answer.variants.filter(({ users }) => users > 0), split as Record<string, number> | undefined);
  expect(answer.sampleRatio, about).toMatchObject({ chiSquare: chiSquare === null ? null : Number(chiSquare.toPrecision(6)), mismatch });
  expect(answer.metrics.map(({ role }) => role), about).toEqual(experimentRoles(metrics));
  for (const figures of answer.metrics) {
    const people = requiredPeople(figures, effect);
    if (people === null) expect(figures.requiredSampleSize, about).toBeNull();
    else {
      // Rounded up from figures of more digits than are shown.
      expect(figures.requiredSampleSize, about).toBeGreaterThan(people * (1 - 1e-4));
      expect(figures.requiredSampleSize, about).toBeLessThan(people * (1 + 1e-4) + 1);
    }
  }
  if (mismatch) {
    expect(answer.headline, about).toBeNull();
    return;
  }
  const expected = concluded(metrics, answer.metrics);
  expect(answer.headline!.map(({ variant, result }) => [variant, result]), about).toEqual(expected.map(({ variant, result }) => [variant, result]));
  for (const [i, { adjustedPValue }] of expected.entries()) {
    if (adjustedPValue === null) expect(answer.headline![i]!.adjustedPValue, about).toBeNull();
    else expect(Math.abs(answer.headline![i]!.adjustedPValue! - adjustedPValue), about).toBeLessThanOrEqual(1e-5 * adjustedPValue);
  }
}

let round = 0;

describe('experiment', () => {
  it('is drawn with every option that is its own', () => {
    const shared = /^(from|to|range|timezone|weekStart|waitFor|cache)\b|^exposure.label$/;
    const drawn = fc.sample(question, { numRuns: 4_000, seed: 1 });
    expect(neverSaid(Question, drawn).filter((option) => !shared.test(option))).toEqual([]);
    expect(drawn.flatMap((each) => saidIn(each))).toEqual(expect.arrayContaining(['exposure.event[]=view', 'metrics[].event[]=buy']));
  });

  it('counts as the model does, whatever the events and the question (rules X1 to X10)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ events: unnamed, fromMs, lengthMs, questions }) => {
        const project = `experiment${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const toMs = fromMs + lengthMs;
        const { known, context } = withSavedCohorts(events, store.context(project, NOW_MS));
        for (const asked of questions) {
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const about = JSON.stringify(body);
          const answer = (await ask('experiment', body, context)) as unknown as Answer;
          const { window, ...rest } = asked;
          const windowMs = window === undefined ? undefined : Number.parseInt(window, 10) * { m: MINUTE_MS, h: 60 * MINUTE_MS, d: 1_440 * MINUTE_MS }[window.at(-1)!]!;
          const forModel = {
            includeBots: false, ...(rest as object), where: (asked.where ?? []) as Where, exposure: asked.exposure as never, variant: asked.variant, metrics: asked.metrics as never, fromMs, toMs, nowMs: NOW_MS,
            ...(windowMs !== undefined && { windowMs }),
          };
          const [whole, ...groups] = oracle(known, forModel);
          expect([answer.crossovers, answer.unfinished], about).toEqual([whole!.crossovers, windowMs === undefined ? undefined : whole!.unfinished]);
          expectFigures(answer, whole!, asked.metrics, about);
          expectConclusions(answer, asked, about);
          expect(answer.breakdowns.map((group) => group.breakdown), about).toEqual(groups.map((group) => group.breakdown));
          for (const [i, group] of groups.entries()) expectFigures(answer.breakdowns[i]!, group, asked.metrics, about);
          const [shown] = answer.variants;
          if (asked.control !== undefined) expect(shown?.variant).toBe(asked.control);
          // Behind each count are just the people whom the model counts (rule K5).
          const exposed = experimentPeople(known, forModel);
          const expectPeople = async (cell: object, isMeant: (each: ExposedPerson) => boolean): Promise<void> =>
            expect(await listed('experiment', body, cell, context), `${about} ${JSON.stringify(cell)}`).toEqual(exposed.filter(isMeant).map(({ person }) => person).toSorted());
          await expectPeople({ crossovers: true }, ({ isCrossed }) => isCrossed);
          if (windowMs !== undefined) await expectPeople({ unfinished: true }, ({ isUnfinished }) => isUnfinished);
          if (shown === undefined || round % 3 !== 0) continue;
          for (const outcome of ['converted', 'not']) {
            await expectPeople({ variant: shown.variant, metric: 0, outcome }, ({ variant, hasConverted }) => variant === shown.variant && hasConverted[0] === (outcome === 'converted'));
          }
          // Of a group there are as many as it says; plans may read like a group of several, or of none.
          const group = (asked.breakdown ?? []).some((name) => name.endsWith('.plan')) ? undefined : answer.breakdowns.at(round % Math.max(answer.breakdowns.length, 1));
          if (group === undefined) continue;
          const { variant, users } = group.variants[0]!;
          expect(await listed('experiment', body, { variant, breakdown: group.breakdown }, context), about).toHaveLength(users);
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);
});

describe('an experiment of a thousand people', () => {
  const RANGE = { from: '2026-05-03', to: '2026-05-04', exposure: { event: 'seen' } };
  const people = (name: string, variant: string, n: number, bought: number, complained = 0): ReturnType<typeof storedEvent>[] =>
    Array.from({ length: n }, (_, i) => {
      const event = (eventName: string, minutes: number, properties = {}): ReturnType<typeof storedEvent> => storedEvent({ project: name, userId: `${variant}${i}`, eventId: `${variant}${i}${eventName}`, eventName, timeMs: START_MS + minutes * MINUTE_MS, properties });
      return [event('seen', 1, { variant }), ...(i < bought ? [event('buy', 2, { price: 10 + (i % 7) })] : []), ...(i < complained ? [event('complain', 3)] : [])];
    }).flat();
  const asked = async (project: string, question: object): Promise<Answer> => (await ask('experiment', { ...RANGE, ...question }, store.context(project))) as unknown as Answer;

  it('has a headline: better, worse, or harm done to a guardrail (rules X4, X8)', async () => {
    await store.add([...people('shop', 'control', 300, 60), ...people('shop', 'b', 310, 110), ...people('shop', 'c', 290, 30), ...people('shop', 'd', 300, 120, 40), ...people('shop', 'e', 300, 64)]);
    const metrics = [{ event: 'buy' }, { event: 'complain', role: 'guardrail', better: 'lower' }, { event: 'buy', measure: { sum: 'properties.price' } }];
    const { headline, metrics: figures, sampleRatio } = await asked('shop', { metrics });
    expect(sampleRatio.mismatch).toBe(false);
    expect(headline!.map(({ variant, result }) => [variant, result])).toEqual([['b', 'better'], ['c', 'worse'], ['d', 'harms_guardrail'], ['e', 'not_significant']]);
    expect(figures.map(({ role }) => role)).toEqual(['primary', 'guardrail', 'secondary']);
    const lower = await asked('shop', { metrics: [{ ...metrics[0], better: 'lower' }] });
    expect(lower.headline!.map(({ result }) => result)).toEqual(['worse', 'better', 'worse', 'not_significant']);
    const turned = await asked('shop', { control: 'b', metrics: [{ ...metrics[1] }, metrics[2], { event: 'buy', role: 'primary' }] });
    expect(turned.metrics.map(({ role }) => role)).toEqual(['guardrail', 'secondary', 'primary']);
    expect(turned.headline!.map(({ variant, result }) => [variant, result])).toEqual([['c', 'worse'], ['control', 'worse'], ['d', 'harms_guardrail'], ['e', 'worse']]);
    const guarded = await asked('shop', { metrics: [metrics[1]] });
    expect(guarded.metrics.map(({ role }) => role)).toEqual(['guardrail']);
    expect(guarded.headline!.map(({ result, adjustedPValue }) => [result, adjustedPValue])).toEqual(['not_significant', 'not_significant', 'harms_guardrail', 'not_significant'].map((result) => [result, null]));
    const always = await asked('shop', { metrics, where: [{ property: 'eventName', op: 'is_set' }] });
    expect({ ...always, meta: 0 }).toEqual({ ...(await asked('shop', { metrics })), meta: 0 });
  });

  it('concludes from the figures what was meant, whatever the roles, directions and shares (rules X4, X7 to X9)', async () => {
    // Most often as many as were meant, or there would be no headline.
    const size = fc.record({ n: fc.integer({ min: 45, max: 60 }), bought: fc.double({ min: 0, max: 1, noNaN: true }), complained: fc.double({ min: 0, max: 1, noNaN: true }) });
    const metric = fc.record({ ...meant, event: fc.constantFrom('buy', 'complain'), measure: fc.constantFrom('conversion', 'events', { sum: 'properties.price' }) }, { requiredKeys: ['event'] });
    const split = fc.constantFrom({ control: 0.3, b: 0.3, c: 0.4 }, { control: 0.4, b: 0.3, c: 0.3 }, { control: 0.5, b: 0.5 });
    const more = fc.record({ metrics: fc.array(metric, { minLength: 1, maxLength: 3 }).map(withOnePrimary), split, control: fc.constantFrom('control', 'b', 'c'), minimumEffect }, { requiredKeys: ['metrics'] });
    await fc.assert(
      fc.asyncProperty(fc.tuple(size, size, size), fc.array(more, { minLength: 5, maxLength: 5 }), async (sizes, questions) => {
        const project = `concluded${++round}`;
        await store.add(['control', 'b', 'c'].flatMap((variant, i) => people(project, variant, sizes[i]!.n, Math.round(sizes[i]!.bought * sizes[i]!.n), Math.round(sizes[i]!.complained * sizes[i]!.n))));
        for (const each of questions) expectConclusions(await asked(project, each), each, JSON.stringify([sizes, each]));
      }),
      { ...RUN, numRuns: 2 * RUN.numRuns },
    );
  }, RUN.timeoutMs);

  it('takes p just above 0.001 for an accident, and just below it for none (rule X7)', async () => {
    // Chi-squares of 10.816 and 11.236; that of p = 0.001 is 10.828.
    for (const [first, second, mismatch] of [[552, 448, false], [553, 447, true]] as const) {
      const project = `sizes ${first}`;
      await store.add([...people(project, 'control', first, 60), ...people(project, 'b', second, 110)]);
      const { sampleRatio, headline } = await asked(project, { metrics: [{ event: 'buy' }] });
      expect(sampleRatio.mismatch, project).toBe(mismatch);
      expect(Math.abs(sampleRatio.pValue - (mismatch ? 0.0008024 : 0.0010062)), project).toBeLessThan(2e-6);
      expect(headline === null, project).toBe(mismatch);
    }
  });

  it('has none where the groups are not of the sizes that were meant (rule X7)', async () => {
    await store.add([...people('torn', 'control', 300, 60), ...people('torn', 'b', 420, 110)]);
    const metrics = [{ event: 'buy' }];
    expect(await asked('torn', { metrics })).toMatchObject({ sampleRatio: { chiSquare: 20, mismatch: true }, headline: null });
    expect(await asked('torn', { metrics, split: { control: 0.4, b: 0.6 } })).toMatchObject({ sampleRatio: { mismatch: false } });
    for (const split of [{ control: 1 }, { control: 1, b: 0 }]) expect(await asked('torn', { metrics, split })).toMatchObject({ sampleRatio: { chiSquare: null, pValue: 0, mismatch: true }, headline: null });
    // Nobody came where a third was to be.
    expect(await asked('torn', { metrics, split: { control: 0.28, b: 0.38, c: 0.34 } })).toMatchObject({ variants: [{}, {}], sampleRatio: { mismatch: true } });
    const tooMuch = { metrics, split: { control: 0.5, b: 0.6 } };
    for (const refused of [asked('torn', tooMuch), listed('experiment', { ...RANGE, ...tooMuch }, { variant: 'b' }, store.context('torn'))]) {
      await expect(refused).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'split' }] });
    }
  });

  it('has no people but of what it shows (rule K6)', async () => {
    const question = { ...RANGE, metrics: [{ event: 'buy' }] };
    for (const [cell, code, field] of [
      [{}, 'missing_field', 'cell.variant'],
      [{ metric: 0 }, 'missing_field', 'cell.variant'],
      [{ unfinished: true }, 'invalid_value', 'cell.unfinished'],
      [{ crossovers: true, variant: 'b' }, 'invalid_value', 'cell.crossovers'],
      [{ crossovers: true, unfinished: true }, 'invalid_value', 'cell.crossovers'],
      [{ crossovers: false }, 'invalid_value', 'cell.crossovers'],
    ] as const) await expect(listed('experiment', question, cell, store.context('nobody')), JSON.stringify(cell)).rejects.toMatchObject({ problems: [{ code, field }] });
  });

  it('is refused with two primary metrics, and so are its people (rule X4)', async () => {
    const metrics = [{ event: 'buy' }, { event: 'buy', role: 'primary' }, { event: 'complain', role: 'primary' }];
    const refused = { problems: [{ code: 'invalid_value', field: 'metrics[2].role' }] };
    await expect(asked('nobody', { metrics })).rejects.toMatchObject(refused);
    await expect(listed('experiment', { ...RANGE, metrics }, { variant: 'b' }, store.context('nobody'))).rejects.toMatchObject(refused);
    expect((await asked('nobody', { metrics: metrics.slice(0, 2) })).metrics.map(({ role }) => role)).toEqual(['secondary', 'primary']);
  });

  it('is refused with more than ten variants, whatever their number (rule X3)', async () => {
    await store.add(Array.from({ length: 3_000 }, (_, i) => people('many', `v${i}`, 1, 0)).flat());
    for (const more of [{}, { breakdown: ['userId'] }]) {
      await expect(asked('many', { ...more, metrics: [{ event: 'buy' }] })).rejects.toMatchObject({ problems: [{ code: 'too_many_variants', field: 'variant' }] });
    }
    expect(await asked('nobody', { metrics: [{ event: 'buy' }] })).toMatchObject({ variants: [], crossovers: 0, headline: [], metrics: [{ requiredSampleSize: null, variants: [] }] });
  });
});
