/** Small random histories in which much happens at once: shared devices, same milliseconds, repeats, bots. */
import fc from 'fast-check';
import type { StoredEvent } from '@tidemark/event';
import { storedEvent } from './store.ts';

export interface HistoryShape {
  /** Event times lie within this from `startMs`. */
  spanMs: number;
  startMs: number;
  /** Times are whole multiples of this: the coarser, the more events share one. */
  stepMs: number;
  names?: readonly string[];
  minEvents?: number;
  maxEvents?: number;
}

const price = fc.oneof(
  fc.integer({ min: -3, max: 30 }),
  fc.constantFrom(0.1, 0.2, 0.3, 1e16, -1e16, 1e60, -1e60, 1e-19, 19.99, '19.99', 'free', '', true, null),
);
const plan = fc.constantFrom('free', 'pro', 'Pro', 'team', "o'brien", 'other', '(not set)', null, 12, true, ['pro', 'beta']);

/** Events of one project, each with an eventId of its own; ids are dealt so that their order is not that of time. */
export function history(project: string, shape: HistoryShape): fc.Arbitrary<StoredEvent[]> {
  const { spanMs, startMs, stepMs, names = ['view', 'cart', 'buy'], minEvents = 0, maxEvents = 40 } = shape;
  const event = fc.record({
    eventName: fc.constantFrom(...names),
    who: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(['ann', ''], ['', 'd1'], ['', 'd2'], ['ann', 'd1']) }, { weight: 1, arbitrary: fc.constantFrom(['bob', ''], ['bob', 'd1'], ['bob', 'd2'], ['d1', ''], ['', 'd3']) }),
    at: fc.nat({ max: Math.floor(spanMs / stepMs) }),
    sequence: fc.constantFrom(0, 0, 1, 2, -1),
    bot: fc.constantFrom(false, false, false, false, false, false, true),
    properties: fc.record({ price, plan, 'a.b': fc.constantFrom(1, 2) }, { requiredKeys: [] }),
    traits: fc.record({ plan }, { requiredKeys: [] }),
    id: fc.string({ unit: fc.constantFrom('a', 'b', 'Z', 'é'), maxLength: 3 }),
  });
  return fc.array(event, { minLength: minEvents, maxLength: maxEvents, size: 'max' }).map((sketches) =>
    sketches.map(({ who: [userId = '', anonymousId = ''], at, id, ...rest }, i) =>
      storedEvent({ project, userId, anonymousId, eventId: `${id}${i}`, timeMs: startMs + at * stepMs, ...rest }),
    ),
  );
}

/** The events, half of them of one of two accounts; some of these tell what is known of the account (rule P4). */
export function inGroups(events: fc.Arbitrary<StoredEvent[]>): fc.Arbitrary<StoredEvent[]> {
  const account = fc.record({ groupId: fc.constantFrom('', '', 'acme', 'umbrella'), tells: fc.constantFrom(true, false, false) });
  return fc.tuple(events, fc.array(account, { minLength: 45, maxLength: 45 })).map(([all, accounts]) =>
    all.map((event, i) => {
      const { groupId = '', tells = false } = accounts[i] ?? {};
      return { ...event, groupId, ...(tells && groupId !== '' && { type: 'group' as const }) };
    }),
  );
}

const scalar = fc.constantFrom<string | number | boolean>('free', 'pro', 'Pro', "o'brien", '', 12, '12', 0.1, 19.99, 1e16, true, 'true', 'view', 'ann', 'd1');
const property = fc.constantFrom('properties.price', 'properties.plan', 'properties.a.b', 'traits.plan', 'eventName', 'userId', 'anonymousId', 'properties.never');
/** Of the event, or of what is known of whose it is. */
const anyProperty = fc.oneof({ weight: 4, arbitrary: property }, { weight: 1, arbitrary: fc.constantFrom('person.plan', 'group.plan', 'groupId') });
const condition = fc.oneof(
  fc.record({ property: anyProperty, op: fc.constantFrom('=', '!=', '>', '>=', '<', '<='), value: scalar }),
  fc.record({ property: anyProperty, op: fc.constantFrom('in', 'not_in'), value: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
  fc.record({ property: anyProperty, op: fc.constantFrom('contains', 'not_contains'), value: fc.constantFrom('pr', 'O', "'", '', ', b', '1') }),
  fc.record({ property: anyProperty, op: fc.constant('matches'), value: fc.constantFrom('^p', 'o$', '[0-9]+', "o'b", '', 'P.o') }),
  fc.record({ property: anyProperty, op: fc.constantFrom('is_set', 'is_not_set') }),
);

/** `where` of a question; most often none, or too little would be left to disagree on. */
export const where = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(fc.oneof({ weight: 3, arbitrary: condition }, { weight: 1, arbitrary: fc.record({ any: fc.array(condition, { minLength: 1, maxLength: 3 }) }) }), { minLength: 1, maxLength: 2 }));

export const breakdown = fc.oneof(fc.constant([]), fc.uniqueArray(anyProperty, { minLength: 1, maxLength: 2 }));

/** Bounded in time, so that a failure is shrunk and told (with its seed) before the test itself times out. */
export const PROPERTY_RUN = { numRuns: 15, interruptAfterTimeLimit: 45_000 };
