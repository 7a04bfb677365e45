import fc from 'fast-check';
import { retention as oracle, withOwners, type RetentionTable, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { breakdown, history, PROPERTY_RUN, where } from '../testing/histories.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';

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

const RUNS = Number(process.env['TIDEMARK_RETENTION_RUNS'] ?? 10);
const DAY_MS = 86_400_000;
const PLACES = [
  ['UTC', '2026-03-01T00:00:00Z'],
  ['Europe/Berlin', '2026-03-26T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-03T00:00:00Z'],
  ['America/Asuncion', '2023-09-29T12:00:00Z'],
] as const;

const seldom = fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: where });
const selector = fc.record({ event: fc.constantFrom('view', 'view', 'cart', 'buy'), where: seldom }, { requiredKeys: [] });
const selectors = fc.oneof(fc.tuple(selector, selector), selector.map((both) => [both, both] as const));
const question = fc.record({
  selectors,
  columns: fc.oneof(
    fc.integer({ min: 1, max: 5 }).map((periods) => ({ periods, brackets: Array.from({ length: periods }, (_, i) => i + 1) })),
    fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }).map((drawn) => ({ periods: undefined, brackets: drawn.toSorted((a, b) => a - b) })),
  ),
  entry: fc.constantFrom('first_time' as const, 'recurring' as const),
  mode: fc.constantFrom('on' as const, 'on_or_after' as const),
  where: seldom,
  breakdown,
  limit: fc.integer({ min: 1, max: 3 }),
  includeBots: fc.boolean(),
});
const situation = fc
  .record({ place: fc.constantFrom(...PLACES), period: fc.constantFrom('day' as const, 'day' as const, 'week' as const, 'month' as const) })
  .chain(({ place: [timezone, start], period }) => {
    const startMs = Date.parse(start);
    const spanMs = { day: 6, week: 30, month: 100 }[period] * DAY_MS;
    return fc.record({
      timezone: fc.constant(timezone),
      period: fc.constant(period),
      fromMs: fc.nat(spanMs / 3).map((later) => startMs + later),
      lengthMs: fc.integer({ min: 1, max: spanMs / 2 }),
      // Most often far beyond all, so that there is something to disagree on.
      nowMs: fc.oneof(fc.constant(startMs + 20 * spanMs), fc.nat(24).map((step) => startMs + (step * spanMs) / 24)),
      events: history('', { startMs, spanMs, stepMs: spanMs / 24, minEvents: 10, maxEvents: 45 }),
      questions: fc.array(question, { minLength: 6, maxLength: 6 }),
    });
  });

let round = 0;

describe('retention', () => {
  it('answers as the model does, whatever the events and the question (rules R1 to R9)', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ timezone, period, fromMs, lengthMs, nowMs, events: unnamed, questions }) => {
        const project = `retention${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const { selectors: [start, back], columns, ...options } of questions) {
          const time = { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), timezone, period };
          const body = { ...options, ...time, start, return: back, ...(columns.periods === undefined ? { brackets: columns.brackets } : { periods: columns.periods }) };
          const answer = (await ask('retention', body, store.context(project, nowMs))) as unknown as Answer;
          const expected = oracle(withOwners(events), {
            ...options, fromMs, toMs, nowMs, timezone, period, brackets: columns.brackets, where: options.where as Where, start: start as object, return: back as object,
          });
          const tableOf = ({ cohorts, mean }: Table, breakdown: string[]): RetentionTable => ({
            breakdown, mean, cohorts: cohorts.map(({ start: time, size, retained, unfinishedFrom }) => ({ startMs: Date.parse(time), size, retained, unfinishedFrom })),
          });
          expect([tableOf(answer, []), ...answer.breakdowns.map((group) => tableOf(group, group.breakdown))], JSON.stringify(body)).toEqual(expected);
          for (const { size, retained, rates } of answer.cohorts) expect(rates).toEqual(retained.map((n) => (n === null ? null : size === 0 ? 0 : n / size)));
        }
      }),
      { ...PROPERTY_RUN, numRuns: RUNS },
    );
  });
});
