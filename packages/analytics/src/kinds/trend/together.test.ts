/** Series that ask for the same events are read together; nothing of an answer may tell. */
import fc from 'fast-check';
import { earlierSpan, trend as oracle, type TrendLine, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { history, inGroups, PROPERTY_RUN, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Values {
  total: number;
  points: { time: string; value: number }[];
}
interface TrendAnswer {
  series: (Values & { breakdown: string[]; compare?: Values })[];
  meta: { sql: string };
}

const GAP_MS = 1_800_000;
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 4, 1);

const measure = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('events' as const, 'users' as const, 'sessions' as const, 'eventsPerUser' as const) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'), fc.constantFrom('properties.price', 'properties.plan', 'person.plan', 'session.events'))
      .map(([name, property]) => ({ [name]: property })),
  },
);
/** Up to twelve series of few selections. */
const series = fc.tuple(where, fc.array(fc.record({ measure, event: fc.constantFrom(undefined, undefined, 'view', ['view', 'buy']), isNarrowed: fc.boolean() }), { minLength: 3, maxLength: 12, size: 'max' }))
  .map(([own, drawn]) => drawn.map(({ event, isNarrowed, ...rest }) => ({ ...rest, ...(event !== undefined && { event }), ...(isNarrowed && { where: own }) })));
const asked = fc.record({
  series, where,
  breakdown: fc.oneof(fc.constant([]), fc.uniqueArray(fc.constantFrom('properties.price', 'properties.plan', 'eventName', 'person.plan', 'group.plan', 'session.entryEvent'), { minLength: 1, maxLength: 3 })),
  limit: fc.integer({ min: 1, max: 6 }),
  includeBots: fc.boolean(),
  shape: fc.constantFrom({}, {}, { cumulative: true }, { rolling: 3 }),
  compare: fc.constantFrom(undefined, 'previous', '3h'),
});

/** As the model tells them, but those of nothing. */
function linesOf(shown: readonly (Values & { breakdown: string[] })[]): TrendLine[] {
  return told(shown.map(({ breakdown, total, points }) => ({ breakdown, total, points: points.map(({ time, value }) => ({ timeMs: Date.parse(time), value })) })));
}

function told(lines: readonly TrendLine[]): TrendLine[] {
  return lines.filter(({ breakdown, total, points }) => breakdown.length === 0 || total !== 0 || points.some(({ value }) => value !== 0));
}

let round = 0;
describe('series read together', () => {
  it('answer as the model does, each for itself', async () => {
    await fc.assert(
      fc.asyncProperty(inGroups(history('', { startMs: START_MS, spanMs: 4 * DAY_MS, stepMs: DAY_MS / 24 })), fc.array(asked, { minLength: 2, maxLength: 2 }), async (unnamed, questions) => {
        const project = `together${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        if (events.length > 0) await store.add(events);
        const { known, context } = withSavedCohorts(events, store.context(project), GAP_MS);
        const range = { fromMs: START_MS + DAY_MS, toMs: START_MS + 3 * DAY_MS };
        for (const { shape, compare, ...question } of questions) {
          const body = { ...question, ...shape, ...(compare !== undefined && { compare }), from: new Date(range.fromMs).toISOString(), to: new Date(range.toMs).toISOString() };
          const answer = (await ask('trend', body, context)) as unknown as TrendAnswer;
          const forModel = { ...question, ...shape, ...range, timezone: 'UTC', granularity: 'day' as const, weekStart: 'monday' as const, where: question.where as Where, series: question.series as never };
          expect(linesOf(answer.series), JSON.stringify(body)).toEqual(told(oracle(known, forModel).flat()));
          if (compare === undefined) continue;
          const past = linesOf(answer.series.map(({ breakdown, compare: line }) => ({ ...line!, breakdown })));
          expect(past, JSON.stringify(body)).toEqual(told(oracle(known, forModel, undefined, earlierSpan('UTC', 'day', range, compare)).flat()));
        }
      }),
      { ...PROPERTY_RUN, numRuns: Number(process.env['TIDEMARK_TREND_RUNS'] ?? 6) },
    );
  }, 600_000);

  const EACH = ['events', 'users', 'sessions', 'eventsPerUser', ...['sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'].map((name) => ({ [name]: 'properties.price' }))];

  it('take a statement for what is counted alike: events, people, sessions', async () => {
    await store.add(Array.from({ length: 30 }, (_, i) => storedEvent({ project: 'few', anonymousId: `d${i % 7}`, timeMs: START_MS + i * 60_000, properties: { price: i, item: `i${i % 3}` } })));
    const reads = async (question: object): Promise<number> => {
      const { meta } = (await ask('trend', { from: '2026-05-01', to: '2026-05-02', ...question }, store.context('few'))) as unknown as TrendAnswer;
      return meta.sql.split(';\n').filter((sql) => sql.includes('AS is_total')).length;
    };
    const twelve = { series: EACH.map((of) => ({ measure: of })) };
    expect(await reads(twelve)).toBe(3);
    expect(await reads({ ...twelve, compare: 'previous' })).toBe(6);
    // The groups to show are told by the first series, with its lines.
    expect(await reads({ ...twelve, breakdown: ['properties.item'], compare: 'previous' })).toBe(7);
    expect(await reads({ series: EACH.flatMap((of) => [{ measure: of }, { measure: of, event: 'view' }]) })).toBe(6);
  });

  it('are read one by one where together they take too much memory', async () => {
    const project = 'much';
    const text = 'x'.repeat(2_000);
    for (let at = 0; at < 3; at++) await store.add(Array.from({ length: 3_000 }, (_, i) => storedEvent({ project, timeMs: START_MS + i, properties: Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`p${n}`, `${text}${at} ${i} ${n}`])) })));
    const question = { from: '2026-05-01', to: '2026-05-02', series: Array.from({ length: 6 }, (_, n) => ({ measure: { unique: `properties.p${n}` } })) };
    const answer = (await ask('trend', question, { ...store.context(project), maxMemoryBytes: 100e6 })) as unknown as TrendAnswer;
    expect(answer.series.map(({ total }) => total)).toEqual(question.series.map(() => 9_000));
    expect(answer.meta.sql.split(';\n').filter((sql) => sql.includes('AS is_total'))).toHaveLength(7);
  });
});
