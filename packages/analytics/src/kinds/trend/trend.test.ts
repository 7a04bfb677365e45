import fc from 'fast-check';
import { bucketStarts, earlierSpan, trend as oracle, WEEK_DAYS, type TrendLine, type Where } from '@tidemark/model';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../../asking/ask.ts';
import { anyProperty, breakdown, history, inGroups, kindsRun, where } from '../../testing/histories.ts';
import { withSavedCohorts } from '../../testing/saved-cohorts.ts';
import { askPeople } from '../../people/people.ts';
import { saidIn } from '../../testing/options.ts';
import { openTestStore, storedEvent, type TestStore } from '../../testing/store.ts';

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

interface Shown {
  breakdown: string[];
  total: number;
  points: { time: string; value: number; unfinished?: true }[];
  stickiness?: { time: string; users: number; meanDays: number; days: number[] }[];
}
interface TrendAnswer {
  series: (Shown & { label: string; compare?: Omit<Shown, 'breakdown'> & { from: string; to: string } })[];
}

const RUN = kindsRun(6);
const DAY_MS = 86_400_000;

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
  fc.constantFrom('events' as const, 'users' as const, 'sessions' as const, 'eventsPerUser' as const),
  fc.tuple(fc.constantFrom('sum', 'avg', 'min', 'max', 'median', 'p90', 'p99', 'unique'), fc.oneof({ weight: 2, arbitrary: fc.constantFrom('properties.price', 'properties.plan') }, { weight: 1, arbitrary: fc.oneof(anyProperty, fc.constantFrom('session.duration', 'session.events')) })).map(([name, property]) => ({ [name]: property })),
);
const series = fc.array(fc.record({ event: fc.constantFrom('view', 'view', 'cart', 'never seen', ['view', 'buy'], ['cart', 'never seen']), measure, where }, { requiredKeys: ['measure'] }), { minLength: 1, maxLength: 5 });

const formulas = [
  { formula: 'A/A*100', of: ([a = 0]: readonly number[]) => (a / a) * 100 },
  { formula: '-A + 2', of: ([a = 0]: readonly number[]) => -a + 2 },
];
const formulasOfTwo = [
  { formula: 'A/B', of: ([a = 0, b = 0]: readonly number[]) => a / b },
  { formula: 'A-B', of: ([a = 0, b = 0]: readonly number[]) => a - b },
  { formula: '100 * (B - A) / (A + B)', of: ([a = 0, b = 0]: readonly number[]) => (100 * (b - a)) / (a + b) },
];
const formulasOfThree = [
  { formula: '(A + B) / (C + 1)', of: ([a = 0, b = 0, c = 0]: readonly number[]) => (a + b) / (c + 1) },
  { formula: 'C - -A*2', of: (values: readonly number[]) => values[2]! - -values[0]! * 2 },
];
/** What may be asked of points. */
const shape = fc.oneof(
  fc.constant({}),
  fc.record({ cumulative: fc.constant(true) }),
  fc.record({ rolling: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 2, max: 5 }) }, { weight: 1, arbitrary: fc.constantFrom(7, 40) }) }),
);
const compare = fc.constantFrom<Record<string, string>>({}, {}, { compare: 'previous' }, { compare: '1d' }, { compare: '1w' }, { compare: '24h' }, { compare: '3h' }, { compare: '90m' }, { compare: '30d' });
const people = fc.array(fc.record({ event: fc.constantFrom('view', 'cart', ['buy', 'cart']), measure: fc.constant('users' as const), where }, { requiredKeys: ['measure'] }), { minLength: 1, maxLength: 3 });
const asked = fc
  .record({ where, breakdown, limit: fc.integer({ min: 1, max: 4 }), includeBots: fc.boolean(), weekStart: fc.constantFrom(...WEEK_DAYS), shape, compare, nowLater: fc.integer({ min: -2, max: 3 }) })
  .chain((rest) =>
    fc.oneof(
      { weight: 3, arbitrary: fc.record({ series }).map((more) => ({ ...rest, ...more })) },
      { weight: 2, arbitrary: series.chain((of) => fc.record({ series: fc.constant(of), formula: fc.constantFrom(...formulas, ...(of.length > 1 ? formulasOfTwo : []), ...(of.length > 2 ? formulasOfThree : [])) })).map((more) => ({ ...rest, ...more })) },
      { weight: 1, arbitrary: fc.record({ series: people, stickiness: fc.constantFrom('week' as const, 'month' as const) }).map((more) => ({ ...rest, ...more })) },
    ),
  )
  .map((made): typeof made & { formula?: { formula: string; of: (values: readonly number[]) => number }; stickiness?: 'week' | 'month' } => made);

let round = 0;
const situation = fc
  .record({ place: fc.constantFrom(...PLACES), granularity: fc.constantFrom('minute' as const, 'hour' as const, 'day' as const, 'week' as const, 'month' as const) })
  .chain(({ place: [timezone, start], granularity }) => {
    const startMs = Date.parse(start);
    const spanMs = SPAN_MS[granularity];
    return fc.record({
      timezone: fc.constant(timezone),
      granularity: fc.constant(granularity),
      fromMs: fc.oneof(fc.nat(spanMs / 4), fc.integer({ min: spanMs / 8, max: spanMs / 2 })).map((later) => startMs + later),
      lengthMs: fc.oneof(fc.integer({ min: spanMs / 2, max: spanMs }), fc.integer({ min: 1, max: spanMs / 4 })),
      // Ranges are mostly of whole days or months.
      whole: fc.constantFrom('day' as const, granularity === 'month' ? ('month' as const) : ('day' as const), undefined),
      events: inGroups(history('', { startMs, spanMs, stepMs: spanMs / 96 })),
      questions: fc.array(asked, { minLength: 4, maxLength: 4 }),
    });
  })
  .map(({ whole, ...made }) => {
    if (whole === undefined) return made;
    const [first = 0] = bucketStarts(made.timezone, whole, made.fromMs, made.fromMs + 1);
    const starts = bucketStarts(made.timezone, whole, first, made.fromMs + Math.max(made.lengthMs, 33 * DAY_MS));
    const end = starts.find((start) => start > first && start >= made.fromMs + made.lengthMs) ?? starts.at(-1)!;
    return { ...made, fromMs: first, lengthMs: end - first };
  });

/** As the model tells it: without a line where a group has no event. */
function linesOf(shown: readonly (Omit<Shown, 'breakdown'> & { breakdown: string[] })[]): TrendLine[] {
  return shown.map(({ breakdown: group, total, points, stickiness }) => ({
    breakdown: group,
    total,
    points: points.map(({ time, value }) => ({ timeMs: Date.parse(time), value })),
    ...(stickiness !== undefined && { stickiness: stickiness.map(({ time, users, days }) => ({ timeMs: Date.parse(time), users, days })) }),
  }));
}

function isEmpty({ total, points, stickiness = [] }: TrendLine): boolean {
  return total === 0 && points.every(({ value }) => value === 0) && stickiness.every(({ users }) => users === 0);
}

describe('trend', () => {
  it('is drawn with one of several names of events', () => {
    expect(fc.sample(asked, { numRuns: 500, seed: 1 }).flatMap((drawn) => saidIn(drawn))).toEqual(expect.arrayContaining(['series[].event[]=view', 'series[].event[]=buy']));
  });

  it('answers as the model does, whatever the events and the question', async () => {
    await fc.assert(
      fc.asyncProperty(situation, async ({ timezone, granularity, fromMs, lengthMs, events: unnamed, questions }) => {
        const project = `trend${++round}`;
        const events = unnamed.map((event) => ({ ...event, project }));
        if (events.length > 0) await store.add(events);
        const { known, context: { cohort } } = withSavedCohorts(events, store.context(project));
        const toMs = fromMs + lengthMs;
        for (const { shape: pointsAsked, compare: compared, formula: combining, nowLater, ...question } of questions) {
          const body = { ...question, ...pointsAsked, ...compared, ...(combining && { formula: combining.formula }), granularity, timezone, from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() };
          const nowMs = toMs + nowLater * lengthMs;
          const answer = (await ask('trend', body, { ...store.context(project, nowMs), cohort: cohort! })) as unknown as TrendAnswer;
          const { of } = combining ?? {};
          const forModel = { ...question, ...pointsAsked, fromMs, toMs, timezone, granularity, where: question.where as Where, series: question.series as never, ...(of && { formula: (values: readonly number[]) => finite(of(values)) }) };
          const expected = oracle(known, forModel).flat();
          // Groups that only the earlier range has are shown, too; they are of nothing now.
          const now = linesOf(answer.series);
          expect(now.filter((line) => line.breakdown.length === 0 || !isEmpty(line)), JSON.stringify(body)).toEqual(expected.filter((line) => line.breakdown.length === 0 || !isEmpty(line)));
          if (compared['compare'] !== undefined) {
            const past = linesOf(answer.series.map(({ breakdown: group, compare: line }) => ({ ...line!, breakdown: group })));
            const before = oracle(known, forModel, undefined, earlierSpan(timezone, granularity, { fromMs, toMs }, compared['compare'])).flat();
            expect(past.filter((line) => line.breakdown.length === 0 || !isEmpty(line)), JSON.stringify(body)).toEqual(before.filter((line) => line.breakdown.length === 0 || !isEmpty(line)));
          }
          for (const { points, stickiness = [] } of answer.series) {
            // All but the last end where the next begins.
            expect(points.slice(0, -1).map(({ unfinished = false }) => unfinished)).toEqual(points.slice(1).map(({ time }) => Date.parse(time) > nowMs));
            for (const { users, meanDays, days } of stickiness) {
              expect(days.reduce((sum, n) => sum + n, 0)).toBe(users);
              expect(meanDays * users).toBeCloseTo(days.reduce((sum, n, i) => sum + n * (i + 1), 0));
            }
          }
        }
      }),
      RUN,
    );
  }, RUN.timeoutMs);

  it('counts the end of a last bucket that is longer than those before it (rule T4)', async () => {
    const project = 'longer last';
    const at = (time: string) => storedEvent({ project, userId: 'ann', timeMs: Date.parse(time) });
    await store.add([at('2026-04-03T12:00:00Z'), at('2026-05-31T12:00:00Z'), at('2026-10-24T12:00:00Z'), at('2026-10-25T22:30:00Z')]);
    const points = async (question: object): Promise<number[]> => {
      const { series } = (await ask('trend', { series: [{}], ...question }, store.context(project))) as unknown as TrendAnswer;
      return series[0]!.points.map(({ value }) => value);
    };
    // May has a day more than April; the second of two days in Berlin has 25 hours.
    expect(await points({ from: '2026-04-01', to: '2026-06-01', granularity: 'month' })).toEqual([1, 1]);
    expect(await points({ from: '2026-06-01', to: '2026-07-01', granularity: 'month', rolling: 3 })).toEqual([2 / 3]);
    expect(await points({ from: '2026-10-24', to: '2026-10-26', granularity: 'day', timezone: 'Europe/Berlin' })).toEqual([1, 1]);
  });

  it('rolls from the first point on over whole buckets before it, of which there may be nothing, and divides by all (rule T12)', async () => {
    const project = 'rolling starts';
    const at = (day: number, hour: number, userId = 'ann') => storedEvent({ project, userId, timeMs: Date.UTC(2026, 4, day, hour) });
    await store.add([at(1, 6), at(1, 12), at(1, 23, 'bob'), at(3, 6), at(3, 18), at(4, 6), storedEvent({ project, userId: 'ann', timeMs: Date.UTC(1900, 0, 1, 12) })]);
    const points = async (question: object): Promise<number[]> => {
      const { series } = (await ask('trend', { series: [{}], ...question }, store.context(project))) as unknown as TrendAnswer;
      return series[0]!.points.map(({ value }) => value);
    };
    const time = { from: '2026-05-03T12:00:00Z', to: '2026-05-05' };
    // Of 3 May what lies in the range, of 1 and 2 May all.
    expect(await points({ ...time, rolling: 3 })).toEqual([4 / 3, 2 / 3]);
    expect(await points({ ...time, rolling: 2 })).toEqual([1 / 2, 1]);
    expect(await points({ ...time, rolling: 3, series: [{ measure: 'users' }] })).toEqual([1, 2 / 3]);
    expect(await points({ ...time, rolling: 3, series: [{ measure: 'eventsPerUser' }] })).toEqual([(1.5 + 0 + 1) / 3, 2 / 3]);
    // No bucket was ever before, or none has an event.
    expect(await points({ from: '2026-05-01', to: '2026-05-04', rolling: 4 })).toEqual([3 / 4, 3 / 4, 5 / 4]);
    expect(await points({ from: '1900-01-01', to: '1900-01-03', rolling: 2 })).toEqual([1 / 2, 1 / 2]);
  });

  it('shares events among people, not among the ids that they came with (rule T10)', async () => {
    const project = 'per user';
    const timeMs = Date.UTC(2026, 4, 3, 10);
    await store.add([
      storedEvent({ project, anonymousId: 'd1', timeMs }), storedEvent({ project, anonymousId: 'd1', timeMs }), storedEvent({ project, userId: 'ann', anonymousId: 'd1', timeMs }), storedEvent({ project, userId: 'ann', timeMs }),
      storedEvent({ project, anonymousId: 'd2', timeMs: timeMs + DAY_MS }), storedEvent({ project, userId: 'ann', timeMs: timeMs + DAY_MS }), storedEvent({ project, anonymousId: 'd1', timeMs: timeMs + DAY_MS }),
    ]);
    const asked = async (more: object): Promise<unknown> => {
      const { series } = (await ask('trend', { from: '2026-05-03', to: '2026-05-05', series: [{ measure: 'eventsPerUser' }], ...more }, store.context(project))) as unknown as TrendAnswer;
      return series.map(({ breakdown: group, total, points }) => [...group, total, ...points.map(({ value }) => value)]);
    };
    expect(await asked({})).toEqual([[3.5, 4, 1.5]]);
    expect(await asked({ cumulative: true })).toEqual([[3.5, 4, 3.5]]);
    expect(await asked({ rolling: 2 })).toEqual([[3.5, 2, 2.75]]);
    expect(await asked({ breakdown: ['eventName'] })).toEqual([['view', 3.5, 4, 1.5]]);
  });

  it('adds numbers from 1e50 on as doubles, also for an average (rule T5; found by a random history)', async () => {
    const project = 'huge';
    await store.add([1e60, 0.2, 21].map((price) => storedEvent({ project, userId: 'ann', timeMs: Date.UTC(2026, 4, 3, 10), properties: { price } })));
    const { series } = (await ask('trend', { from: '2026-05-03', to: '2026-05-04', series: [{ measure: { avg: 'properties.price' } }, { measure: { sum: 'properties.price' } }] }, store.context(project))) as unknown as TrendAnswer;
    expect(series.map(({ total }) => total)).toEqual([1e60 / 3, 1e60]);
  });

  it('people of a rolling, a cumulative and a stickiness cell are those who are counted (rule K5)', async () => {
    const at = (day: number, userId: string) => storedEvent({ project: 'cells', userId, timeMs: Date.UTC(2026, 4, day, 12) });
    await store.add([at(1, 'ann'), at(2, 'bob'), at(3, 'ann'), at(4, 'cyd'), at(4, 'ann')]);
    const names = async (question: object, cell: object): Promise<unknown[]> => {
      const body = { from: '2026-05-03', to: '2026-05-05', series: [{ measure: 'users' }], ...question, cell: { series: 0, ...cell } };
      const { people: found } = (await askPeople('trend', body, store.context('cells'))) as unknown as { people: { personId: string }[] };
      return found.map(({ personId }) => personId);
    };
    expect(await names({ rolling: 2 }, { time: '2026-05-03' })).toEqual(['ann', 'bob']);
    expect(await names({ rolling: 2 }, { time: '2026-05-04' })).toEqual(['ann', 'cyd']);
    expect(await names({ rolling: 4 }, { time: '2026-05-04' })).toEqual(['ann', 'bob', 'cyd']);
    expect(await names({ cumulative: true }, { time: '2026-05-04' })).toEqual(['ann', 'cyd']);
    const weeks = { stickiness: 'week', weekStart: 'sunday' };
    expect(await names(weeks, { time: '2026-05-03', days: 2 })).toEqual(['ann']);
    expect(await names(weeks, { time: '2026-05-03', days: 1 })).toEqual(['cyd']);
    await expect(names(weeks, { time: '2026-05-03', days: 8 })).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'cell.days' }] });
    await expect(names(weeks, { days: 1 })).rejects.toMatchObject({ problems: [{ code: 'missing_field', field: 'cell.time' }] });
    await expect(names({}, { days: 1, time: '2026-05-03' })).rejects.toMatchObject({ problems: [{ code: 'invalid_value', field: 'cell.days' }] });
  });

  it('bounds the points of all that is asked for together (rule T18)', async () => {
    const refused = { problems: [{ code: 'too_many_points', field: 'granularity' }] };
    const year = { from: '2025-01-01', to: '2026-01-01', series: [{ measure: 'users' }] };
    const of = (more: object): Promise<object> => ask('trend', { ...year, ...more }, store.context('none'));
    await expect(of({ granularity: 'hour', rolling: 366 })).resolves.toBeDefined();
    await expect(of({ granularity: 'hour', compare: 'previous' })).rejects.toMatchObject(refused);
    await expect(of({ from: '1990-01-01', granularity: 'month', stickiness: 'month' })).rejects.toMatchObject(refused);
  });
});

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}
