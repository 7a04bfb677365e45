import fc from 'fast-check';
import { trend as oracle, withOwners, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { breakdown, history, PROPERTY_RUN, where } from '../testing/histories.ts';
import { openTestStore, type TestStore } from '../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface TrendAnswer {
  series: { label: string; breakdown: string[]; total: number; points: { time: string; value: number }[] }[];
}

/** Zones and the hours around a shift of theirs: half an hour, a 23- and a 25-hour day, no midnight, :45. */
const PLACES = [
  ['UTC', '2026-03-01T00:00:00Z'],
  ['Europe/Berlin', '2026-03-28T12:00:00Z'],
  ['Europe/Berlin', '2026-10-24T12:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T00:00:00Z'],
  ['Asia/Kathmandu', '2026-05-31T12:00:00Z'],
  ['America/Asuncion', '2023-09-30T12:00:00Z'],
  ['Africa/Cairo', '2026-04-23T12:00:00Z'],
] as const;
const SPAN_MS = { minute: 2 * 3_600_000, hour: 40 * 3_600_000, day: 5 * 86_400_000, week: 20 * 86_400_000, month: 70 * 86_400_000 };

const measure = fc.oneof(
  fc.constantFrom('events' as const, 'users' as const, 'sessions' as const),
  fc.tuple(fc.constantFrom('sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'), fc.constantFrom('properties.price', 'properties.plan')).map(([name, property]) => ({ [name]: property })),
);
const series = fc.array(fc.record({ event: fc.constantFrom('view', 'view', 'cart', 'never seen'), measure, where }, { requiredKeys: ['measure'] }), { minLength: 1, maxLength: 2 });

let round = 0;
const situation = fc
  .record({ place: fc.constantFrom(...PLACES), granularity: fc.constantFrom('minute' as const, 'hour' as const, 'day' as const, 'week' as const, 'month' as const) })
  .chain(({ place: [timezone, start], granularity }) => {
    const startMs = Date.parse(start);
    const spanMs = SPAN_MS[granularity];
    return fc.record({
      timezone: fc.constant(timezone),
      granularity: fc.constant(granularity),
      fromMs: fc.nat(spanMs / 4).map((later) => startMs + later),
      lengthMs: fc.oneof(fc.integer({ min: spanMs / 2, max: spanMs }), fc.integer({ min: 1, max: spanMs / 4 })),
      events: history('', { startMs, spanMs, stepMs: spanMs / 96 }),
      questions: fc.array(fc.record({ series, where, breakdown, limit: fc.integer({ min: 1, max: 4 }), includeBots: fc.boolean() }), { minLength: 4, maxLength: 4 }),
    });
  });

describe('trend', () => {
  it('answers as the model does, whatever the events and the question', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ timezone, granularity, fromMs, lengthMs, events: unnamed, questions }) => {
        const project = `trend${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        if (events.length > 0) await store.add(events);
        const toMs = fromMs + lengthMs;
        for (const question of questions) {
          const body = { ...question, granularity, timezone, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const answer = (await ask('trend', body, store.context(project))) as unknown as TrendAnswer;
          const expected = oracle(withOwners(events), { ...question, fromMs, toMs, timezone, granularity, where: question.where as Where, series: question.series as never });
          const found = answer.series.map((line) => ({
            breakdown: line.breakdown,
            total: line.total,
            points: line.points.map(({ time, value }) => ({ timeMs: Date.parse(time), value })),
          }));
          expect(found, JSON.stringify(body)).toEqual(expected.flat());
        }
      }),
      PROPERTY_RUN,
    );
  });
});
