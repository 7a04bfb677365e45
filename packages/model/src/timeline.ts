import type { StoredEvent } from '@tidemark/event';
import { earlier, personOf } from './person.ts';

/** The eventIds of the person that `id` belongs to, in order: (time, sequence, eventId). */
export function timeline(all: readonly StoredEvent[], id: string): string[] {
  const person = personOf(all);
  const isUser = all.some(({ userId }) => userId === id);
  const someone = isUser ? `user ${id}` : all.filter(({ anonymousId }) => anonymousId === id).map((event) => person({ ...event, userId: '' }))[0];
  return all
    .filter((event) => person(event) === someone)
    .toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b))
    .map(({ eventId }) => eventId);
}
