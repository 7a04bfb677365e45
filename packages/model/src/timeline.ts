import type { StoredEvent } from '@tidemark/event';
import { earlier, persons, type IdentityDecision } from './person.ts';

/** The eventIds of the person that `id` belongs to, in order: (time, sequence, eventId). */
export function timeline(all: readonly StoredEvent[], id: string, decisions: readonly IdentityDecision[] = []): string[] {
  const { of, ofNode } = persons(all, decisions);
  const isUser = all.some(({ userId }) => userId === id);
  const someone = ofNode(isUser ? `user ${id}` : `device ${id}`);
  return all
    .filter((event) => of(event) === someone)
    .toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b))
    .map(({ eventId }) => eventId);
}
