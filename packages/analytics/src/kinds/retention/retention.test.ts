import fc from 'fast-check';
import { retention as oracle, WEEK_DAYS, type RetentionTable, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import type { AskContext } from '../../asking/ask-context.ts';
import { askPeople } from '../../people/people.ts';
import { breakdown, history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { saidIn } from '../../testing/options.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Table {
  cohorts: { start: string; size: number; retained: (number | null)[]; rates: (number | null)[]; unfinishedFrom: number | null }[];
  mean: { size: number; rates: (number | null)[] };
}
type Answer = Table & { columns: string[]; breakdowns: (Table & { breakdown: string[] })[] };

const RUN = kindsRun(4);
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 4, 3);
const PLACES = [
  ['UTC', '2026-03-01T00:00:00Z'],
  ['Europe/Berlin', '2026-03-26T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-03T00:00:00Z'],
  ['America/Asuncion', '2023-09-29T12:00:00Z'],
] as const;

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const selector = fc.record({ event: fc.constantFrom('view', 'view', 'cart', 'buy', ['cart', 'buy'], ['view', 'never seen']), where: seldom }, { requiredKeys: [] });
const selectors = fc.oneof(fc.tuple(selector, selector), selector.map((both) => [both, both] as const));
const question = fc.record({
  selectors,
  columns: fc.oneof(
    fc.constantFrom(1, 2, 3, 4, 5, 70).map((periods) => ({ periods, brackets: Array.from({ length: periods }, (_, i) => i + 1) })),
    fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }).map((drawn) => ({ periods: undefined, brackets: drawn.toSorted((a, b) => a - b) })),
  ),
  entry: fc.constantFrom('first_time' as const, 'recurring' as const),
  mode: fc.constantFrom('on' as const, 'on_or_after' as const),
  where: seldom,
  breakdown: fc.oneof({ weight: 5, arbitrary: breakdown }, { weight: 1, arbitrary: fc.constantFrom(['session.events'], ['session.bounce', 'properties.plan']) }),
  limit: fc.integer({ min: 1, max: 3 }),
  weekStart: fc.constantFrom(...WEEK_DAYS),
  includeBots: fc.boolean(),
  cell: fc.record({ cohort: fc.nat(), column: fc.nat(), group: fc.nat(), outcome: fc.constantFrom('retained' as const, 'lost' as const, undefined) }),
});
const situation = fc
  .record({ place: fc.constantFrom(...PLACES), period: fc.constantFrom('day' as const, 'day' as const, 'week' as const, 'week' as const, 'month' as const) })
  .chain(({ place: [timezone, start], period }) => {
    const startMs = Date.parse(start);
    const spanMs = { day: 6, week: 30, month: 100 }[period] * DAY_MS;
    return fc.record({
      timezone: fc.constant(timezone),
      period: fc.constant(period),
      // In steps of the events' times, and seldom short: a plain number is drawn near its ends, where there is nobody to count.
      fromMs: fc.constantFrom(0, 1, 4, 6.5, 8).map((steps) => startMs + (steps * spanMs) / 24),
      lengthMs: fc.constantFrom(0.5, 5, 8, 10, 12, 14).map((steps) => (steps * spanMs) / 24),
      // Most often far beyond all, so that there is something to disagree on.
      nowMs: fc.oneof(fc.constant(startMs + 20 * spanMs), fc.nat(24).map((step) => startMs + (step * spanMs) / 24)),
      events: inGroups(history('', { startMs, spanMs, stepMs: spanMs / 24, minEvents: 10, maxEvents: 45 })),
      questions: fc.array(question, { minLength: 5, maxLength: 5 }),
    });
  });

/** Whether no value of what the groups are by reads like a group of several, or of none: plans do. */
function isToldByLabels({ breakdown: by = [] }: { breakdown?: readonly string[] }): boolean {
  return by.every((name) => !name.endsWith('.plan'));
}

/** The list behind a number is as long as the number says (rule K3). */
async function hasPeople(body: object, answer: Answer, { cohort, column, group, outcome }: { cohort: number; column: number; group: number; outcome: 'retained' | 'lost' | undefined }, context: AskContext): Promise<void> {
  // A value may read like a group of several, or of none.
  const tables = [undefined, ...answer.breakdowns.filter(({ breakdown: labels }) => isToldByLabels(body) || (!labels.includes('other') && !labels.includes('(not set)')))];
  const table = tables[group % tables.length];
  const { start, size, retained } = (table ?? answer).cohorts[cohort % answer.cohorts.length]!;
  const back = retained[column % retained.length];
  if (back === null || back === undefined) return;
  const cell = { cohort: start, ...(outcome && { column: column % retained.length, outcome }), ...(table && { breakdown: table.breakdown }) };
  const { total, people } = await askPeople('retention', { ...body, cell, pageSize: 1000 }, context);
  expect([total, people.length], JSON.stringify({ ...body, cell })).toEqual(Array.from({ length: 2 }, () => (outcome === undefined ? size : outcome === 'lost' ? size - back : back)));
}

let round = 0;

describe('retention', () => {
  it('is drawn with one of several names of events', () => {
    expect(fc.sample(question, { numRuns: 500, seed: 1 }).flatMap((drawn) => saidIn(drawn))).toEqual(expect.arrayContaining(['selectors[].event[]=cart', 'selectors[].event[]=buy']));
  });

  it('answers as the model does, whatever the events and the question (rules R1 to R9)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ timezone, period, fromMs, lengthMs, nowMs, events: unnamed, questions }) => {
        const project = `retention${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const { known, context } = withSavedCohorts(events, store.context(project, nowMs));
        const toMs = fromMs + lengthMs;
        for (const { selectors: [start, back], columns, cell, ...options } of questions) {
          const time = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), timezone, period };
          const body = { ...options, ...time, start, return: back, ...(columns.periods === undefined ? { brackets: columns.brackets } : { periods: columns.periods }) };
          const answer = (await ask('retention', body, context)) as unknown as Answer;
          const expected = oracle(known, {
            ...options, fromMs, toMs, nowMs, timezone, period, brackets: columns.brackets, where: options.where as Where, start: start as object, return: back as object,
          });
          const tableOf = ({ cohorts, mean }: Table, breakdown: string[]): RetentionTable => ({
            breakdown, mean, cohorts: cohorts.map(({ start: time, size, retained, unfinishedFrom }) => ({ startMs: Date.parse(time), size, retained, unfinishedFrom })),
          });
          expect([tableOf(answer, []), ...answer.breakdowns.map((group) => tableOf(group, group.breakdown))], JSON.stringify(body)).toEqual(expected);
          await hasPeople(body, answer, cell, context);
          for (const { size, retained, rates } of answer.cohorts) expect(rates).toEqual(retained.map((n) => (n === null ? null : size === 0 ? 0 : n / size)));
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  it('takes the group of the first start of all devices of a person, also where start and return are the same', async () => {
    const project = 'devices';
    const view = (day: number, who: object, plan: string) => storedEvent({ project, eventName: 'view', timeMs: START_MS + day * DAY_MS, properties: { plan }, ...who });
    await store.add([view(0, { anonymousId: 'd' }, 'first'), view(1, { anonymousId: 'd', userId: 'ann' }, 'second'), view(0.5, { anonymousId: 'e' }, 'second'), view(2, { anonymousId: 'e', userId: 'ann' }, 'third')]);
    const question = { from: '2026-05-03', to: '2026-05-06', start: { event: 'view' }, return: { event: 'view' }, periods: 3, breakdown: ['properties.plan'] };
    const { breakdowns } = (await ask('retention', question, store.context(project))) as unknown as Answer;
    expect(breakdowns.map((group) => [group.breakdown, group.mean.size, group.cohorts[0]!.retained])).toEqual([[['first'], 1, [1, 1, 1]]]);
  });

  it('knows the first start of a moment by its eventId, and takes what comes with a start for a return (rules R3, F2)', async () => {
    const project = 'moment';
    const view = (eventId: string, more: object) => storedEvent({ project, eventId, eventName: 'view', timeMs: START_MS, userId: 'ann', ...more });
    await store.add([
      view('a\0!', { properties: { plan: 'later', size: 'L' } }), view('a', { properties: { plan: 'fi\0rst', size: 'S' } }), view('a!', { properties: { plan: 'later', size: 'L' } }),
      // By its id this comes before all of them.
      view('A', { eventName: 'buy' }), view('Z', { eventName: 'cart', sequence: -1 }),
    ]);
    const question = { from: '2026-05-03', to: '2026-05-04', start: { event: 'view' }, periods: 1, breakdown: ['properties.plan', 'properties.size'] };
    for (const entry of ['first_time', 'recurring']) {
      const backBy = async (event: string): Promise<unknown> => {
        const { breakdowns } = (await ask('retention', { ...question, entry, return: { event } }, store.context(project))) as unknown as Answer;
        return breakdowns.map((group) => [group.breakdown, group.cohorts[0]!.retained]);
      };
      expect([await backBy('buy'), await backBy('cart'), await backBy('view')], entry).toEqual([1, 0, 1].map((back) => [[['fi\0rst', 'S'], [back]]]));
    }
  });

  it('is not changed by a filter that lets everything in', async () => {
    const events = fc.sample(history('filtered', { startMs: START_MS, spanMs: 6 * DAY_MS, stepMs: DAY_MS / 8, minEvents: 40 }), { numRuns: 1, seed: 7 })[0]!;
    await store.add(events);
    const question = { from: '2026-05-03', to: '2026-05-07', entry: 'recurring', start: { event: 'view' }, return: {}, breakdown: ['properties.plan'] };
    const { meta: _, ...plain } = await ask('retention', question, store.context('filtered'));
    const { meta: __, ...filtered } = await ask('retention', { ...question, where: [{ any: [{ property: 'userId', op: 'is_set' }, { property: 'userId', op: 'is_not_set' }] }] }, store.context('filtered'));
    expect(filtered).toEqual(plain);
  });

  it('tells the same of its first columns, however many follow', async () => {
    const question = { from: '2026-05-03', to: '2026-05-07', start: { event: 'view' }, return: { event: 'view' } };
    for (const entry of ['recurring', 'first_time']) {
      const of = async (periods: number): Promise<unknown> => ((await ask('retention', { ...question, entry, periods }, store.context('filtered'))) as unknown as Answer).cohorts.map(({ size, retained }) => [size, retained.slice(0, 3)]);
      expect(await of(80), entry).toEqual(await of(3));
    }
  });

  it('shows the people of all cohorts once each, and refuses numbers that the answer has not', async () => {
    // Somebody who is in two of them.
    await store.add([0, 1].map((days) => storedEvent({ project: 'filtered', userId: 'twice', timeMs: START_MS + days * DAY_MS })));
    const question = { from: '2026-05-03', to: '2026-05-06', entry: 'recurring', periods: 2, start: { event: 'view' }, return: {} };
    const of = (cell: object, nowMs?: number): Promise<{ total: number }> => askPeople('retention', { ...question, cell }, store.context('filtered', nowMs));
    const { cohorts } = (await ask('retention', question, store.context('filtered'))) as unknown as Answer;
    const { total } = await of({});
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(cohorts.reduce((sum, { size }) => sum + size, 0));
    for (const [cell, field] of [
      [{ cohort: '2026-05-02' }, 'cell.cohort'], [{ cohort: '2026-05-06' }, 'cell.cohort'], [{ column: 2 }, 'cell.column'], [{ outcome: 'lost' }, 'cell.outcome'], [{ breakdown: ['x'] }, 'cell.breakdown'],
    ] as const) await expect(of(cell), field).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field }] });
    await expect(of({ cohort: '2026-05-05', column: 1 }, START_MS + 2.5 * DAY_MS)).rejects.toMatchObject({ problems: [{ field: 'cell.column' }] });
  });

  it('refuses too many cells, and brackets that do not rise', async () => {
    const refused = async (more: object): Promise<unknown> => ask('retention', { start: {}, return: {}, from: '2020-01-01', to: '2026-01-01', ...more }, store.context('filtered')).catch((error: { problems: unknown }) => error.problems);
    expect(await refused({ periods: 5 })).toMatchObject([{ code: 'too_many_points', field: 'period' }]);
    expect(await refused({ periods: 4, breakdown: ['userId'], limit: 100 })).toMatchObject([{ code: 'too_many_points', field: 'period' }]);
    expect(await refused({ brackets: [1, 1] })).toMatchObject([{ code: 'invalid_value', field: 'brackets' }]);
    expect(await refused({ start: undefined })).toMatchObject([{ code: 'missing_field', field: 'start' }]);
  });
});
