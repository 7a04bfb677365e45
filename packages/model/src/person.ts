import type { StoredEvent } from '@tidemark/event';

/** Order within one moment: by event time, then by eventId as bytes. */
export function earlier(a: StoredEvent, b: StoredEvent): number {
  return a.timeMs - b.timeMs || Buffer.compare(Buffer.from(a.eventId), Buffer.from(b.eventId));
}

/**
 * Who did an event: its user, else the user that its device was first seen with, else the device. The answer is a text in
 * which user x and device x differ.
 */
export function personOf(events: readonly StoredEvent[]): (event: StoredEvent) => string {
  const ownerOf = new Map<string, string>();
  for (const { anonymousId, userId } of events.toSorted(earlier)) {
    if (anonymousId !== '' && userId !== '' && !ownerOf.has(anonymousId)) ownerOf.set(anonymousId, userId);
  }
  return ({ userId, anonymousId }) => {
    const user = userId !== '' ? userId : ownerOf.get(anonymousId);
    return user === undefined ? `device ${anonymousId}` : `user ${user}`;
  };
}
