/** What is known of persons and groups now, and was when an event happened (docs/questions.md, P3 to P5). */
import type { StoredEvent } from '@tidemark/event';
import { earlier, persons, type IdentityDecision } from './person.ts';

/**
 * An event with all that was said of its person and of its group, as JSON texts in the order in which it counts; and of its person
 * up to then.
 */
export interface OwnedEvent extends StoredEvent {
  person: readonly string[];
  group: readonly string[];
  asOf: readonly string[];
}

/** `events`: all of the project, since all say something of who is who. What `expired` ones said is known still (I9). */
export function withOwners(events: readonly StoredEvent[], decisions: readonly IdentityDecision[] = [], expired: readonly StoredEvent[] = []): OwnedEvent[] {
  const { of } = persons(events, decisions, expired);
  const said = new Map<string, string[]>();
  const asOf = new Map<StoredEvent, string[]>();
  const inOrder = [...expired, ...events].toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b));
  for (const event of inOrder) {
    const owner = event.type === 'group' ? `group ${event.groupId}` : of(event);
    said.set(owner, [...(said.get(owner) ?? []), event.traits]);
    asOf.set(event, event.type === 'group' ? [event.traits] : (said.get(of(event)) ?? []));
  }
  return events.map((event) => ({
    ...event, asOf: asOf.get(event) ?? [], person: said.get(of(event)) ?? [], group: event.groupId === '' ? [] : (said.get(`group ${event.groupId}`) ?? []),
  }));
}
