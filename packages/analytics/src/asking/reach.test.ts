/**
 * What `meta` says of an answer holds (rules Q6, T9): where it is not approximate, events that have expired have no part in it; where nothing
 * of it is provisional, no event that comes later has. For each question both are seen to be said and not to be said.
 * `TIDEMARK_KINDS_RUNS=20` tries more histories.
 */
import { raiseLine } from '@tidemark/warehouse';
import type { StoredEvent } from '@tidemark/event';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ask } from './ask.ts';
import { plainIdentity } from '../identity/project-identity.ts';
import { openTestStore, storedEvent, type TestStore } from '../testing/store.ts';

const RUNS = Number(process.env['TIDEMARK_KINDS_RUNS'] ?? 1);
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 4, 4);
const NOW_MS = START_MS + 30 * DAY_MS;
const RANGE = { from: '2026-05-14', to: '2026-05-17' };
const [FROM_MS, TO_MS] = [Date.UTC(2026, 4, 14), Date.UTC(2026, 4, 17)];

/** A little, and much, beyond each end of the range; the ends themselves are tried always. */
const FROZEN_MS = [FROM_MS - 9 * DAY_MS, FROM_MS - 4 * DAY_MS, FROM_MS - 20 * HOUR_MS, FROM_MS - 1];
const WATERMARKS_MS = [TO_MS + 10 * 60_000, TO_MS + 2 * HOUR_MS, TO_MS + 30 * HOUR_MS, TO_MS + 4 * DAY_MS];

const COHORTS: Record<string, object> = {
  doers: { from: '2026-05-12', to: '2026-05-16', all: [{ did: 'view', atLeast: 2 }] },
  spared: { from: '2026-05-12', to: '2026-05-16', all: [{ didNot: 'cart' }] },
};

/** A name, kind and question. */
const QUESTIONS: readonly [name: string, kind: string, body: object][] = [
  ['trend', 'trend', { series: [{ measure: 'events' }, { measure: 'users' }], granularity: 'day' }],
  ['trend, rolling and compared', 'trend', { series: [{ measure: 'users' }], granularity: 'day', rolling: 3, compare: '7d' }],
  ['trend of sessions', 'trend', { series: [{ measure: 'sessions' }] }],
  ['trend by sessions', 'trend', { series: [{ measure: 'events' }], breakdown: ['session.events'], limit: 100 }],
  ['trend of a cohort', 'trend', { series: [{ measure: 'events' }], where: [{ property: 'cohort', op: 'in', value: ['doers'] }] }],
  ['trend of a cohort of those who did not', 'trend', { series: [{ measure: 'events' }], where: [{ property: 'cohort', op: 'in', value: ['spared'] }] }],
  ['funnel', 'funnel', { steps: [{ event: 'view' }, { event: 'cart' }], window: '1d' }],
  ['funnel and what is next', 'funnel', { steps: [{ event: 'view' }, { event: 'cart' }], window: '1d', next: { step: 1, limit: 100 } }],
  ['retention', 'retention', { start: { event: 'view' }, return: { event: 'buy' }, period: 'day', periods: 3 }],
  ['retention, recurring', 'retention', { start: { event: 'view' }, return: {}, period: 'day', periods: 3, entry: 'recurring' }],
  ['retention, ever after', 'retention', { start: { event: 'view' }, return: {}, period: 'day', periods: 3, entry: 'recurring', mode: 'on_or_after' }],
  ['paths after', 'paths', { after: { event: 'view' }, steps: 4, nodeLimit: 100, window: '3h' }],
  ['paths before', 'paths', { before: { event: 'view' }, steps: 4, nodeLimit: 100, window: '3h' }],
  ['sessions', 'sessions', {}],
  ['attribution', 'attribution', { conversion: { event: 'buy' }, touch: { event: 'view' }, lookback: '3d', breakdown: ['properties.item'], limit: 100 }],
  ['experiment', 'experiment', { exposure: { event: 'view' }, variant: 'properties.item', metrics: [{ event: 'buy' }], window: '2d' }],
  ['cohort', 'cohort', { all: [{ did: 'view', atLeast: 2 }] }],
  ['cohort within', 'cohort', { all: [{ did: 'view', within: '6d' }] }],
  ['cohort by sequence', 'cohort', { all: [{ sequence: [{ event: 'view' }, { event: 'buy' }], window: '1d' }] }],
];

const within = (fromMs: number, hours: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: hours * 6 }).map((tens) => fromMs + tens * 600_000);
/** Without a bias to the ends of what is drawn, which would leave nothing near the ends of the range. */
const Visit = fc.noBias(
  fc.record({
    anonymousId: fc.integer({ min: 1, max: 40 }).map((n) => `d${n}`),
    timeMs: fc.oneof(within(START_MS, 24 * 24), within(FROM_MS - DAY_MS, 48), within(FROM_MS - HOUR_MS, 2), within(TO_MS - DAY_MS, 48), within(TO_MS - HOUR_MS, 2)),
    eventName: fc.constantFrom('view', 'cart', 'buy'),
    item: fc.constantFrom('a', 'b'),
  }),
);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

let projects = 0;

async function projectOf(events: readonly StoredEvent[]): Promise<string> {
  const project = `reach${++projects}`;
  if (events.length > 0) await store.add(events.map((event) => ({ ...event, project })));
  return project;
}

async function answered(project: string, kind: string, body: object, watermarkMs = NOW_MS): Promise<{ answer: string; approximate: boolean; provisionalFrom: string | null }> {
  const freshness = { status: () => ({ asOfMs: NOW_MS, watermarkMs }), caughtUp: async () => true };
  const identities = { of: async () => plainIdentity(project) };
  const cohort = async (_: string, name: string) => ({ question: COHORTS[name]! });
  const { meta, ...answer } = await ask(kind, { ...RANGE, ...body }, { project, warehouse: store.warehouse, clock: () => NOW_MS, freshness, identities, cohort });
  return { answer: JSON.stringify(answer), approximate: meta.approximate, provisionalFrom: meta.provisionalFrom };
}

it('an answer that is said to be whole stays as it is without what has expired, and one that is said to be settled with what comes later', async () => {
  const said: Record<string, { approximate: Set<boolean>; provisional: Set<boolean> }> = Object.fromEntries(QUESTIONS.map(([name]) => [name, { approximate: new Set(), provisional: new Set() }]));
  await fc.assert(
    fc.asyncProperty(fc.array(Visit, { minLength: 400, maxLength: 400 }), fc.constantFrom(...FROZEN_MS), fc.constantFrom(...WATERMARKS_MS), async (visits, drawnFrozenMs, drawnWatermarkMs) => {
      const events = visits.map(({ item, ...visit }) => storedEvent({ ...visit, properties: { item } }));
      const all = await projectOf(events);
      const whole: Record<string, string> = {};
      for (const [name, kind, body] of QUESTIONS) whole[name] = (await answered(all, kind, body)).answer;
      for (const frozenMs of new Set([START_MS, FROM_MS, FROM_MS + HOUR_MS, ...(RUNS > 1 ? [drawnFrozenMs] : [])])) {
        const left = await projectOf(events.filter(({ timeMs }) => timeMs >= frozenMs));
        await raiseLine(store.warehouse, 'frozen', frozenMs, left);
        for (const [name, kind, body] of QUESTIONS) {
          const { answer, approximate } = await answered(left, kind, body);
          said[name]!.approximate.add(approximate);
          if (!approximate) expect(answer, `${name}, expired before ${new Date(frozenMs).toISOString()}`).toBe(whole[name]);
        }
      }
      for (const watermarkMs of new Set([TO_MS - HOUR_MS, TO_MS, TO_MS + 9 * DAY_MS, ...(RUNS > 1 ? [drawnWatermarkMs] : [])])) {
        const now = await projectOf(events.filter(({ timeMs }) => timeMs < watermarkMs));
        for (const [name, kind, body] of QUESTIONS) {
          // A live cohort is as of now, and told to be (C7).
          if (name.startsWith('trend of a cohort')) continue;
          const { answer, provisionalFrom } = await answered(now, kind, body, watermarkMs);
          said[name]!.provisional.add(provisionalFrom !== null);
          if (provisionalFrom === null) expect(answer, `${name}, whole up to ${new Date(watermarkMs).toISOString()}`).toBe(whole[name]);
        }
      }
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  const both = [false, true];
  for (const [name, { approximate, provisional }] of Object.entries(said)) {
    const isOfAllTime = name.startsWith('cohort') || name === 'retention' || name.endsWith('did not');
    expect(approximate, `approximate: ${name}`).toEqual(new Set(isOfAllTime ? [true] : both));
    if (provisional.size > 0) expect(provisional, `provisional: ${name}`).toEqual(new Set(name.endsWith('ever after') ? [true] : both));
  }
}, 60_000 + RUNS * 30_000);
