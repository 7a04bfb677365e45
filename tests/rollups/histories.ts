/** Histories for rollups: events early and late, rounds of the job that may be cut off, restarts, ranges that fail in between. */
import type { Decision } from '@tidemark/identity';
import type { StoredEvent } from '@tidemark/event';
import { storedEvent } from '@tidemark/processor/testing';
import fc from 'fast-check';

const MINUTE_MS = 60_000;
export const SPAN_MS = 6 * 60 * MINUTE_MS;
/** Histories are so far apart; a question may ask for a whole day of one, and a round seal it. */
export const HISTORY_MS = 2 * 86_400_000;
const LATER_MS = 26 * 60 * MINUTE_MS;

export interface EventSketch {
  eventName: string;
  source: string;
  userId: string;
  anonymousId: string;
  previousId: string;
  bot: boolean;
  campaign: unknown;
  /** Of its properties. */
  item: unknown;
  /** Keys of the context are written with escapes. */
  escaped: boolean;
  country: unknown;
  /** From the start of the history. */
  atMs: number;
}

export type Step =
  | { do: 'add'; events: EventSketch[]; failsAt?: 'planned' | 'applied' | 'counted' | undefined }
  /** A round of the job, with the watermark so far from the start; it dies after so many `commands`, or events come `meanwhile`, before one. */
  | { do: 'round'; watermarkMs: number; commands?: number | undefined; meanwhile?: { command: number; events: EventSketch[] } | undefined }
  /** The project names the properties that it wants rollups by. */
  | { do: 'name'; properties: readonly string[] }
  | { do: 'restart' };

export interface RollupHistory {
  steps: Step[];
  decisions: Decision[];
  questions: { timezone: string; granularity: string; fromMs: number; toMs: number; includeBots: boolean; where: readonly object[]; breakdown: readonly string[]; limit: number; series: readonly object[] }[];
}

const USERS = ['ann', 'bob', 'd1'];
const DEVICES = ['d1', 'd2', 'ann'];
/** On the borders of quarters and beside them, too. */
const at = fc.oneof(fc.nat({ max: SPAN_MS }), fc.tuple(fc.nat({ max: 24 }), fc.constantFrom(-1, 0, 1)).map(([quarter, by]) => Math.max(0, quarter * 15 * MINUTE_MS + by)));

const VALUES = ['ads', 'ads', 'Ads', '', 1, 1.5, '1', [1], ['a', 'b'], true, null, { a: 1 }];

const event: fc.Arbitrary<EventSketch> = fc
  .record({
    eventName: fc.constantFrom('view', 'view', 'buy'),
    source: fc.constantFrom('web', 'app'),
    userId: fc.constantFrom('', '', ...USERS),
    anonymousId: fc.constantFrom('', ...DEVICES),
    previousId: fc.constantFrom('', '', '', '', '', 'bob', 'd2'),
    bot: fc.constantFrom(false, false, false, true),
    campaign: fc.constantFrom(undefined, undefined, { source: 'ads' }, { source: 'Ads' }, { source: '' }, { source: 1 }, { source: [1] }, { source: ['a', 'b'] }, { source: true }, { source: null }),
    item: fc.constantFrom(undefined, ...VALUES),
    escaped: fc.constantFrom(false, false, true),
    country: fc.constantFrom(undefined, 'DE', 'fr'),
    atMs: at,
  })
  .map((each) => (each.userId === '' && each.anonymousId === '' ? { ...each, anonymousId: 'd2' } : each));

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('add' as const), events: fc.array(event, { minLength: 1, maxLength: 8, size: 'max' }), failsAt: fc.constantFrom(undefined, undefined, undefined, undefined, undefined, 'planned' as const, 'applied' as const, 'counted' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('round' as const), watermarkMs: fc.oneof({ weight: 2, arbitrary: at }, { weight: 1, arbitrary: fc.constant(LATER_MS) }), commands: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.nat({ max: 12 }) }), meanwhile: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.record({ command: fc.nat({ max: 4 }), events: fc.array(event, { minLength: 1, maxLength: 3 }) }) }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('name' as const), properties: fc.subarray(['properties.item', 'context.campaign.term', 'type']) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

const property = fc.constantFrom('eventName', 'source', 'context.campaign.source', 'context.geo.country', 'properties.item', 'properties.item', 'type');
const condition = fc.oneof(
  fc.record({ property, op: fc.constantFrom('=', '!=', '>', '<='), value: fc.constantFrom('ads', 'web', 'view', '', '1', 1, true) }),
  fc.record({ property, op: fc.constantFrom('in', 'not_in'), value: fc.constantFrom(['ads', 'a, b'], ['1', 'DE'], [1, 'app']) }),
  fc.record({ property, op: fc.constantFrom('contains', 'not_contains', 'matches'), value: fc.constantFrom('a', 'D', '') }),
  fc.record({ property, op: fc.constantFrom('is_set', 'is_not_set') }),
);
const where = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(condition, { minLength: 1, maxLength: 2 }));
const series = fc.record({ event: fc.constantFrom('view', 'buy'), measure: fc.constantFrom('events', 'users'), where }, { requiredKeys: ['measure'] });

const question = fc.record({
  timezone: fc.constantFrom('UTC', 'Asia/Kathmandu', 'America/New_York'),
  granularity: fc.constantFrom('hour', 'hour', 'day', 'week', 'minute'),
  fromMs: fc.oneof(at, fc.constant(0)),
  lengthMs: fc.oneof(fc.integer({ min: 60 * MINUTE_MS, max: SPAN_MS }), fc.constant(LATER_MS)),
  includeBots: fc.boolean(),
  where,
  breakdown: fc.oneof(fc.constant([]), fc.uniqueArray(property, { minLength: 1, maxLength: 2 })),
  limit: fc.integer({ min: 1, max: 3 }),
  shape: fc.constantFrom<{ cumulative?: boolean; rolling?: number }>({}, {}, { cumulative: true }, { rolling: 3 }),
  series: fc.array(series, { minLength: 1, maxLength: 2 }),
}).map(({ lengthMs, shape, ...rest }) => ({ ...rest, ...shape, toMs: rest.fromMs + lengthMs }));

const node = fc.constantFrom('uann', 'ubob', 'ud1', 'ad1', 'ad2', 'aann');
const decision = fc.record({ verdict: fc.constantFrom('merge' as const, 'cut' as const), a: node, b: node }).filter(({ a, b }) => a !== b);

export const rollupHistory: fc.Arbitrary<RollupHistory> = fc.record({
  steps: fc.array(step, { minLength: 3, maxLength: 7, size: 'max' }),
  decisions: fc.oneof(fc.constant<Decision[]>([]), fc.array<Decision>(decision, { maxLength: 2 })),
  questions: fc.array(question, { minLength: 1, maxLength: 2 }),
});

/** Events as the door would store them, of a project and from a start. */
export function eventsOf(sketches: readonly EventSketch[], project: string, startMs: number, firstId: number): StoredEvent[] {
  return sketches.map(({ campaign, item, country, escaped, atMs, previousId, ...rest }, i) => {
    const context = { ...(campaign === undefined ? {} : { campaign }), ...(country === undefined ? {} : { geo: { country } }) };
    const text = JSON.stringify(context);
    const isAlias = previousId !== '' && previousId !== rest.userId && rest.userId !== '';
    const timeMs = startMs + atMs;
    return storedEvent(`e${firstId + i}`, { ...rest, previousId, type: isAlias ? 'alias' : 'track', project, timeMs, originalTimeMs: timeMs, properties: item === undefined ? '{}' : JSON.stringify({ item }), context: escaped ? text.replaceAll('a', String.raw`\u0061`) : text });
  });
}
