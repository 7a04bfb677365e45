/** Random histories of few people who share devices, are aliased, merged and cut, in any order of arrival. */
import type { StoredEvent } from '@tidemark/event';
import type { Decision } from '@tidemark/identity';
import type { IdentityDecision } from '@tidemark/model';
import fc from 'fast-check';
import { storedEvent } from './store.ts';

export interface IdentityHistory {
  events: StoredEvent[];
  /** The same events, in the order and the lots in which they arrive. */
  arrivals: StoredEvent[][];
  decisions: Decision[];
}

const USERS = ['ann', 'bob', 'cyd', 'dot', 'd1'];
const DEVICES = ['d1', 'd2', 'd3', 'ann'];
const START_MS = Date.UTC(2026, 4, 3, 10);

const event = fc.record({
  eventName: fc.constantFrom('view', 'cart', 'buy'),
  userId: fc.constantFrom('', '', ...USERS),
  anonymousId: fc.constantFrom('', ...DEVICES),
  previousId: fc.constantFrom('', '', '', '', ...USERS, ...DEVICES),
  seconds: fc.nat({ max: 12 }),
  sequence: fc.constantFrom(0, 0, 1),
  id: fc.constantFrom('a', 'b', 'Z', 'é'),
});
const node = fc.oneof(fc.constantFrom(...USERS.map((id) => `u${id}`)), fc.constantFrom(...DEVICES.map((id) => `a${id}`)));
/** Most often about two nodes that an event links: of any two picked at random few are, and a cut of nothing shows nothing. */
const decision = fc.record({ verdict: fc.constantFrom('merge' as const, 'cut' as const, 'cut' as const), a: node, b: node, about: fc.nat({ max: 24 }) });

export const identityHistory: fc.Arbitrary<IdentityHistory> = fc
  .record({
    sketches: fc.array(event, { minLength: 4, maxLength: 18, size: 'max' }),
    decisions: fc.array(decision, { maxLength: 6 }),
    order: fc.array(fc.nat(), { minLength: 18, maxLength: 18 }),
    lots: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ sketches, decisions: drawn, order, lots }) => {
    const events = sketches.map(({ seconds, id, ...rest }, i) => {
      const { userId, anonymousId, previousId } = rest;
      const isAlias = previousId !== '';
      return storedEvent({
        ...rest, type: isAlias ? 'alias' : 'track', eventId: `${id}${i}`, timeMs: START_MS + seconds * 1_000,
        anonymousId: userId === '' && anonymousId === '' ? 'd2' : anonymousId,
      });
    });
    const decisions = drawn.flatMap(({ about, verdict, ...two }): Decision[] => {
      const linked = events.filter(({ userId, anonymousId, previousId }) => userId !== '' && (anonymousId !== '' || previousId !== ''));
      const { userId, anonymousId, previousId } = linked[about % (linked.length + 1)] ?? { userId: '', anonymousId: '', previousId: '' };
      const other = previousId === '' || (anonymousId !== '' && about % 2 === 0) ? `a${anonymousId}` : `u${previousId}`;
      const { a, b } = userId === '' ? two : { a: `u${userId}`, b: other };
      return a === b ? [] : [{ verdict, a, b }];
    });
    const shuffled = events.map((each, i) => ({ each, at: order[i] ?? 0 })).toSorted((a, b) => a.at - b.at).map(({ each }) => each);
    const size = Math.ceil(shuffled.length / lots);
    return { events, decisions, arrivals: Array.from({ length: lots }, (_, i) => shuffled.slice(i * size, (i + 1) * size)).filter(({ length }) => length > 0) };
  });

/** The same decisions in the model's words. */
export function asModel(decisions: readonly Decision[]): IdentityDecision[] {
  const words = (key: string): string => `${key.startsWith('u') ? 'user' : 'device'} ${key.slice(1)}`;
  return decisions.map(({ verdict, a, b }) => ({ verdict, a: words(a), b: words(b) }));
}

/** Every id that occurs, and one that doesn't. */
export const IDS = [...new Set([...USERS, ...DEVICES]), 'nobody'];
