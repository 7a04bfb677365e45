/** What may happen between two askings of the same questions, and the questions. */
import type { StoredEvent } from '@tidemark/event';
import { storedEvent } from '@tidemark/processor/testing';
import fc from 'fast-check';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
/** Histories are so far apart. */
export const HISTORY_MS = 16 * DAY_MS;
/** Days that events lie in; asking begins after them. */
export const DAYS = 4;

export interface Sketch {
  eventName: string;
  who: readonly string[];
  previousId: string;
  groupId: string;
  plan: string;
  channel: string;
  atMs: number;
}

export type Change =
  | { do: 'add'; events: readonly Sketch[] }
  | { do: 'merge' | 'cut'; pair: readonly [string, string] }
  | { do: 'channels'; name: string }
  | { do: 'cohort'; event: string }
  /** The job that seals quarters of an hour and rolls them up. */
  | { do: 'round' }
  | { do: 'expire'; days: number }
  | { do: 'wait' };

const sketch: fc.Arbitrary<Sketch> = fc.record({
  eventName: fc.constantFrom('view', 'view', 'buy', 'group'),
  who: fc.constantFrom(['ann', ''], ['bob', ''], ['', 'd1'], ['', 'd2'], ['', 'd3'], ['ann', 'd1'], ['bob', 'd2'], ['bob', 'd1']),
  previousId: fc.constantFrom('', '', '', '', 'ann', 'd2'),
  groupId: fc.constantFrom('', 'g1'),
  plan: fc.constantFrom('', '', 'free', 'pro'),
  channel: fc.constantFrom('direct', 'paid', 'email'),
  atMs: fc.integer({ min: 0, max: DAYS * 24 - 1 }).chain((hour) => fc.constantFrom(0, 1, 40 * MINUTE_MS).map((ms) => hour * HOUR_MS + ms)),
});

/** Of the questions, in one history. */
const ASKED = 3;

/** Stored before anything is asked. */
export const beginning = fc.array(sketch, { minLength: 15, maxLength: 25 });

export interface Step {
  change: Change;
  afterMs: number;
  /** Which of the questions are asked then, by place: an answer is to outlive several changes, too. */
  asked: readonly boolean[];
}

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    change: fc.oneof(
      { weight: 8, arbitrary: fc.record({ do: fc.constant('add' as const), events: fc.array(sketch, { minLength: 1, maxLength: 3 }) }) },
      { weight: 6, arbitrary: fc.constant({ do: 'round' as const }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('merge' as const, 'cut' as const), pair: fc.constantFrom(['uann', 'ubob'], ['ad3', 'ubob'], ['ad1', 'uann'], ['ad2', 'ubob']) as fc.Arbitrary<[string, string]> }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('channels' as const), name: fc.constantFrom('ads', 'post') }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('cohort' as const), event: fc.constantFrom('view', 'buy') }) },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('expire' as const), days: fc.constantFrom(4, 5, 8) }) },
      { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
    ),
    /** How much later it is when the questions are asked again. */
    afterMs: fc.constantFrom(0, 3_000, 10_000, 10_001, 60_000, 12 * HOUR_MS),
    asked: fc.array(fc.boolean(), { minLength: ASKED, maxLength: ASKED }),
  }),
  { minLength: 16, maxLength: 16 },
);

export function eventsOf(sketches: readonly Sketch[], project: string, startMs: number, made: number): StoredEvent[] {
  return sketches.map(({ who: [userId = '', anonymousId = ''], previousId, plan, atMs, ...rest }, i) =>
    storedEvent(`e${made + i}`, {
      ...rest, project, userId, anonymousId, timeMs: startMs + atMs,
      type: userId !== '' && previousId !== '' ? 'alias' : rest.eventName === 'group' ? 'group' : 'track', previousId: userId === '' ? '' : previousId,
      traits: plan === '' ? '{}' : JSON.stringify({ plan }),
    }),
  );
}

/** From the start of a history to each kind of question; the first have kinds that tell what they read. */
export function questionsOf(startMs: number): [kind: string, question: object][] {
  const day = (n: number): string => new Date(startMs + n * DAY_MS).toISOString();
  const [two, first] = [{ from: day(1), to: day(3) }, { from: day(1), to: day(2) }];
  const [view, buy] = [{ event: 'view' }, { event: 'buy' }];
  return [
    ['trend', { ...two, series: [{}, buy] }],
    ['trend', { ...two, series: [{ measure: 'users' }] }],
    ['trend', { ...two, series: [{ measure: 'users' }], breakdown: ['person.plan'] }],
    ['trend', { ...two, series: [{}], breakdown: ['traits.plan', 'group.plan'], rollups: false }],
    ['trend', { ...first, series: [{}], compare: 'previous', rolling: 2 }],
    ['trend', { ...first, series: [{ measure: 'users' }], granularity: 'week', stickiness: 'week' }],
    ['trend', { range: 'yesterday', series: [{}] }],
    ['funnel', { ...first, steps: [view, buy], window: '1d' }],
    ['funnel', { ...first, steps: [view], next: { step: 1 }, window: '1d' }],
    ['retention', { ...first, start: view, return: {}, entry: 'recurring', periods: 1 }],
    ['retention', { ...first, start: view, return: {}, periods: 1, breakdown: ['person.plan'] }],
    ['attribution', { ...first, conversion: buy, lookback: '1d', models: ['last_touch'] }],
    ['paths', { ...first, before: buy, window: '1d' }],
    ['trend', { ...two, series: [{ measure: 'sessions' }] }],
    ['trend', { ...two, series: [{ measure: 'users', where: [{ property: 'cohort', op: 'in', value: ['c'] }] }] }],
    ['sessions', two],
    ['retention', { ...first, start: view, return: {}, mode: 'on_or_after', periods: 1 }],
    ['experiment', { ...two, exposure: view, variant: 'context.channel', metrics: [buy] }],
    ['cohort', { ...two, all: [{ did: 'buy' }] }],
  ];
}
