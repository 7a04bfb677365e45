import type { StoredEvent } from '@tidemark/event';
import { earlier, persons, type IdentityDecision } from './person.ts';

/** The eventIds of the person that `id` belongs to, in order: (time, sequence, eventId). `expired` as `persons` takes them. */
export function timeline(all: readonly StoredEvent[], id: string, decisions: readonly IdentityDecision[] = [], expired: readonly StoredEvent[] = []): string[] {
  const { of, ofId } = persons(all, decisions, expired);
  const someone = ofId(id);
  return all
    .filter((event) => of(event) === someone)
    .toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b))
    .map(({ eventId }) => eventId);
}
