import fc from 'fast-check';
import { funnel as oracle, funnelPeople, WEEK_DAYS, type FunnelQuestion } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { MAX_EVENTS } from '../../chain/query.ts';
import { askPeople } from '../../people/people.ts';
import { QuestionError } from '../../question/problem.ts';
import { cellOf, inListOrder, shown, withShares, type FunnelAnswer } from '../../testing/funnel-answers.ts';
import { anyProperty, breakdown, history, inGroups, kindsRun, where, type HistoryShape, type Ids } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const START_MS = Date.UTC(2026, 4, 3);
/** Twenty units hold all events, and it is now after thirty: windows from a second to a year. */
const SCALES = [
  { unitMs: 1_000, windows: ['1s', '3s', '10s', '20s', '1m'], granularities: ['minute', 'hour', 'day'] },
  { unitMs: 15 * 86_400_000, windows: ['15d', '45d', '150d', '300d', '366d'], granularities: ['day', 'week', 'month'] },
] as const;
const SUFFIX_MS = { s: 1_000, m: 60_000, d: 86_400_000 };

const seldomWhere = fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const mostly = <Value>(usual: Value, other: fc.Arbitrary<Value>): fc.Arbitrary<Value> => fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });

/** How long funnels are, and histories through which every chain of theirs can still be tried: of few people, or nobody would go far. */
const names = (n: number): string[] => ['view', 'cart', 'buy', ...Array.from({ length: n - 3 }, (_, i) => `e${i + 4}`)];
const FEW: readonly Ids[] = [['ann', ''], ['ann', 'd1'], ['', 'd1'], ['ann', 'd2'], ['bob', '']];
const oneOfFew = fc.constantFrom(...FEW);
const LENGTHS: Record<'usual' | 'long' | 'longest', { steps: fc.ArrayConstraints; history: Pick<HistoryShape, 'names' | 'who' | 'minEvents' | 'maxEvents'> & { names: string[] } }> = {
  usual: { steps: { minLength: 1, maxLength: 4 }, history: { names: names(3), minEvents: 6, maxEvents: 24 } },
  long: { steps: { minLength: 4, maxLength: 8 }, history: { names: names(5), who: oneOfFew, minEvents: 10, maxEvents: 18 } },
  longest: { steps: { minLength: 9, maxLength: 12 }, history: { names: names(4), who: oneOfFew, minEvents: 12, maxEvents: 15 } },
};

/** Numbers of steps are drawn beyond what the steps allow, and brought within by `fitted`. */
const drawnOf = ({ steps, history: { names: all } }: (typeof LENGTHS)['usual']) => {
  const name = fc.constantFrom(...all);
  const events = fc.oneof({ weight: 4, arbitrary: name }, { weight: 1, arbitrary: fc.uniqueArray(name, { minLength: 1, maxLength: 4 }) });
  const selector = fc.record({ event: events, where: seldomWhere, label: fc.constantFrom('one', "step's") }, { requiredKeys: [] });
  return fc.record({
    steps: fc.array(fc.tuple(selector, fc.constantFrom(false, false, true)), { ...steps, size: 'max' }),
    window: fc.nat(4),
    order: fc.constantFrom('ordered' as const, 'ordered' as const, 'ordered' as const, 'strict' as const, 'any' as const),
    exclude: mostly([], fc.array(fc.record({ selector, after: fc.nat(11), before: fc.nat(11), isOpen: fc.constantFrom(false, false, false, true) }), { minLength: 1, maxLength: 5 })),
    hold: mostly<string[]>([], fc.oneof(fc.constantFrom('properties.a.b', 'properties.plan', 'person.plan').map((one) => [one]), fc.uniqueArray(fc.oneof(fc.constantFrom('properties.a.b', 'traits.plan', 'userId'), anyProperty), { minLength: 2, maxLength: 3 }))),
    breakdown,
    breakdownFrom: fc.constantFrom('start' as const, 'first_touch' as const, 'last_touch' as const, 'step' as const),
    histogram: mostly(undefined, fc.record({ from: fc.nat(11), to: fc.nat(11), bins: fc.constantFrom(1, 2, 3, 4, 60) })),
    granularity: mostly(undefined, fc.nat(2)),
    timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
    weekStart: fc.constantFrom(...WEEK_DAYS),
    next: mostly(undefined, fc.record({ outcome: fc.constantFrom('reached' as const, 'dropped' as const), limit: fc.integer({ min: 1, max: 3 }) })),
    step: fc.nat(11),
    limit: fc.integer({ min: 1, max: 3 }),
    includeBots: fc.boolean(),
    where: fc.oneof({ weight: 8, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where }),
    cell: fc.record({ what: fc.constantFrom('step', 'step', 'bin', 'next', 'time'), of: fc.nat(20), step: fc.nat(11), outcome: fc.constantFrom('reached' as const, 'dropped' as const), isOfGroup: fc.boolean() }),
  });
};
type Drawn = ReturnType<typeof drawnOf> extends fc.Arbitrary<infer Value> ? Value : never;

/** What was drawn as a question that has a rule. */
function fitted(given: Drawn, { windows, granularities }: (typeof SCALES)[number]): Omit<FunnelQuestion, 'fromMs' | 'toMs' | 'windowMs'> & { window: string } {
  const { order, exclude, histogram, next, step, breakdownFrom, cell: _, ...rest } = given;
  const texts = given.steps.map(([{ event, where: conditions = [] }]) => JSON.stringify([[event ?? []].flat().toSorted(), conditions]));
  const asked = given.steps.filter((_, i) => order !== 'any' || texts.indexOf(texts[i] ?? '') === i);
  const last = asked.length - 1;
  const steps = asked.map(([one, optional], i) => ({ ...one, ...(optional && order === 'ordered' && i > 0 && i < last && { optional }) }));
  const required = steps.flatMap((each, i) => ('optional' in each ? [] : [i + 1]));
  const pick = (at: number): number => required[at % required.length] ?? 1;
  const pair = (a: number, b: number): [number, number] | undefined => (pick(a) === pick(b) ? undefined : [Math.min(pick(a), pick(b)), Math.max(pick(a), pick(b))]);
  const bins = histogram && pair(histogram.from, histogram.to);
  const asksNext = next && (next.outcome === 'reached' || pick(step) > 1);
  return {
    ...rest, order, steps: steps as never,
    window: windows[given.window],
    granularity: given.granularity === undefined ? undefined : granularities[given.granularity],
    exclude: order === 'any' ? [] : (exclude.flatMap(({ selector: one, after, before, isOpen }) => { const two = pair(after, before); return two === undefined ? [] : [isOpen ? one : { ...one, after: two[0], before: two[1] }]; }) as never),
    breakdownFrom: breakdownFrom === 'step' ? { step: pick(step) } : breakdownFrom,
    histogram: bins === undefined ? undefined : { from: bins[0], to: bins[1], bins: histogram?.bins },
    next: asksNext ? { ...next, step: pick(step) } : undefined,
  } as never;
}

const situation = fc
  .record({ scale: fc.constantFrom(SCALES[0], SCALES[0], SCALES[1]), length: fc.constantFrom(...(['usual', 'usual', 'usual', 'usual', 'long', 'long', 'longest'] as const)) })
  .chain(({ scale, length }) => fc.record({
    scale: fc.constant(scale),
    events: inGroups(history('', { startMs: START_MS, spanMs: 20 * scale.unitMs, stepMs: scale.unitMs, ...LENGTHS[length].history })),
    fromMs: fc.integer({ min: 0, max: 4 }).map((units) => START_MS + units * scale.unitMs),
    lengthMs: fc.integer({ min: 5, max: 20 }).map((units) => units * scale.unitMs),
    drawn: fc.array(drawnOf(LENGTHS[length]), { minLength: 5, maxLength: 5 }),
  }));

const RUN = kindsRun(5);
let round = 0;

describe('funnel', () => {
  it('answers, and lists the people behind a number, as the model does, whatever the events and the question (rules F1 to F16, K1 to K5)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ scale, events: unnamed, fromMs, lengthMs, drawn: all }) => {
        const project = `funnel${++round}`;
        const held = unnamed.map((event) => ({ ...event, project }));
        if (held.length > 0) await store.add(held);
        const nowMs = START_MS + 30 * scale.unitMs;
        const { known, context } = withSavedCohorts(held, store.context(project, nowMs));
        const toMs = fromMs + lengthMs;
        for (const given of all) {
          const asked = fitted(given, scale);
          const body = { ...asked, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const told = JSON.stringify(body);
          const answer = (await ask('funnel', body, context)) as unknown as FunnelAnswer;
          const windowMs = Number.parseInt(asked.window, 10) * SUFFIX_MS[asked.window.slice(-1) as keyof typeof SUFFIX_MS];
          const question: FunnelQuestion = { ...asked, fromMs, toMs, windowMs, nowMs };
          expect(shown(answer), told).toEqual(withShares(oracle(known, question), question));

          const people = funnelPeople(known, question);
          const one = cellOf(given.cell, question, answer, people);
          if (one === undefined) continue;
          const list = await askPeople('funnel', { ...body, cell: one.cell, pageSize: 1_000 }, context);
          expect(list.people.map(({ personId, userId }) => [personId, userId !== null]), `${told} ${JSON.stringify(one.cell)}`).toEqual(inListOrder(one.meant));
          expect(list.total).toBe(one.meant.length);
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  it('starts nothing after the range, though a later step asks for the same event (found by a random history)', async () => {
    await store.add([storedEvent({ project: 'late', userId: 'ann', eventName: 'view', timeMs: START_MS + 5_000 })]);
    const asked = { from: '2026-05-03T00:00:00Z', to: '2026-05-03T00:00:03Z', window: '10s', steps: [{ event: 'view' }, { event: 'view' }] };
    expect(await ask('funnel', asked, store.context('late'))).toMatchObject({ steps: [{ users: 0 }, { users: 0 }] });
  });

  it('takes each step as early as it can be where the end can still be reached unspoilt (rules F4, F9)', async () => {
    const at = (seconds: number, eventName: string) => storedEvent({ project: 'spoilt', userId: 'ann', eventName, timeMs: START_MS + seconds * 1_000 });
    await store.add([at(0, 'view'), at(1, 'cart'), at(2, 'empty'), at(3, 'cart'), at(7, 'buy')]);
    const steps = [{ event: 'view' }, { event: 'cart' }, { event: 'buy' }];
    const asked = { from: '2026-05-03', to: '2026-05-04', steps, exclude: [{ event: 'empty', after: 2, before: 3 }] };
    expect(await ask('funnel', asked, store.context('spoilt'))).toMatchObject({ steps: [{ users: 1 }, { users: 1, medianSeconds: 3 }, { users: 1, medianSeconds: 4 }] });
    expect(await ask('funnel', { ...asked, exclude: [{ event: 'empty' }] }, store.context('spoilt'))).toMatchObject({ steps: [{ users: 1 }, { users: 1 }, { users: 0 }] });
  });

  it('makes bins just wide enough for the greatest time (rule F13)', async () => {
    const at = (userId: string, seconds: number, eventName: string) => storedEvent({ project: 'bins', userId, eventName, timeMs: START_MS + seconds * 1_000 });
    await store.add([2, 3, 9].flatMap((seconds) => [at(`u${seconds}`, 0, 'view'), at(`u${seconds}`, seconds, 'buy')]));
    const asked = { from: '2026-05-03', to: '2026-05-04', steps: [{ event: 'view' }, { event: 'buy' }], histogram: { bins: 2 } };
    expect(await ask('funnel', asked, store.context('bins'))).toMatchObject({ histogram: [{ fromSeconds: 2, toSeconds: 6, users: 2 }, { fromSeconds: 6, toSeconds: 10, users: 1 }] });
    expect(await ask('funnel', { ...asked, histogram: { bins: 3 } }, store.context('bins'))).toMatchObject({ histogram: [{ toSeconds: 5, users: 2 }, { users: 0 }, { fromSeconds: 8, users: 1 }] });
  });

  it.each([
    ['exclude[0].before', { steps: [{}, {}, {}], exclude: [{ event: 'x', after: 2, before: 2 }] }],
    ['exclude[0].before', { steps: [{}, {}], exclude: [{ event: 'x', before: 3 }] }],
    ['exclude[0].after', { steps: [{}, { optional: true }, {}], exclude: [{ event: 'x', after: 2 }] }],
    ['steps[1].optional', { steps: [{}, { optional: true }] }],
    ['breakdownFrom.step', { steps: [{}, { optional: true }, {}], breakdownFrom: { step: 2 } }],
    ['breakdownFrom.step', { steps: [{}], breakdownFrom: { step: 2 } }],
    ['histogram.from', { steps: [{}, {}], histogram: { from: 2 } }],
    ['histogram.to', { steps: [{}, {}], histogram: { to: 3 } }],
    ['histogram.bins', { steps: [{}, {}], histogram: { bins: 61 } }],
    ['next.step', { steps: [{}, {}], next: { step: 1, outcome: 'dropped' } }],
    ['next.step', { steps: [{}, {}], next: { step: 3 } }],
    ['window', { steps: [{}], window: '367d' }],
    ['steps', { steps: Array.from({ length: 21 }, () => ({})) }],
  ])('refuses what it can not be: %s', async (field, question) => {
    await expect(ask('funnel', question, store.context('nobody'))).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field }] });
  });

  it.each([
    ['steps[1].optional', { order: 'strict', steps: [{}, { optional: true }, {}] }],
    ['steps[1].optional', { order: 'any', steps: [{ event: 'a' }, { event: 'b', optional: true }, { event: 'c' }] }],
    ['steps[2]', { order: 'any', steps: [{ event: ['a', 'b'] }, { event: 'b' }, { event: ['b', 'a'], where: [] }] }],
  ])('refuses what has no rule: %s', async (field, question) => {
    await expect(ask('funnel', question, store.context('nobody'))).rejects.toMatchObject({ problems: [{ code: 'unsupported_combination', field }] });
  });

  it.each([
    ['cell.step', { cell: {} }],
    ['cell.step', { cell: { step: 3 } }],
    ['cell.bin', { cell: { bin: 0 } }],
    ['cell.bin', { histogram: {}, cell: { bin: 0 } }],
    ['cell.next', { cell: { next: 'x' } }],
    ['cell.next', { next: { step: 1 }, cell: { next: 'x' } }],
    ['cell.breakdown', { next: { step: 1 }, cell: { next: 'drop-off', breakdown: ['x'] } }],
    ['cell.time', { cell: { step: 1, time: '2026-05-03' } }],
    ['cell.breakdown', { cell: { step: 1, breakdown: ['x'] } }],
    ['cell.breakdown', { breakdown: ['userId'], cell: { step: 1, breakdown: ['other'] } }],
  ])('refuses a cell that the answer does not have: %s', async (field, question) => {
    const asked = askPeople('funnel', { steps: [{ event: 'a' }, { event: 'b' }], ...question }, store.context('nobody'));
    await expect(asked).rejects.toBeInstanceOf(QuestionError);
    await expect(asked).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field }] });
  });

  it('looks at 4,194,303 events of one person that match a step, and refuses one more (rule F17)', async () => {
    const project = 'cap';
    const startMs = Date.UTC(2026, 4, 3);
    await store.warehouse.command(
      `INSERT INTO events (project, event_name, user_id, event_id, time) SELECT '${project}', 'view', 'ann', toString(number), fromUnixTimestamp64Milli(toInt64(${startMs} + number), 'UTC') FROM numbers(${MAX_EVENTS + 1})`,
    );
    const from = (ms: number) => ask('funnel', { from: new Date(startMs + ms).toISOString(), to: '2026-05-04', window: '1s', steps: [{ event: 'view' }, { event: 'view' }] }, store.context(project));
    await expect(from(0)).rejects.toMatchObject({ problems: [{ code: 'question_too_expensive', field: 'from', detail: expect.stringContaining('One person') }] });
    expect(await from(1)).toMatchObject({ steps: [{ users: 1 }, { users: 1 }] });
  });
});
