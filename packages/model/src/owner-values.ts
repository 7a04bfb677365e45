/** What is known of persons and groups now (docs/questions.md, P3 and P4). */
import type { JsonObject, JsonValue, StoredEvent } from '@tidemark/event';
import { earlier, persons, type IdentityDecision } from './person.ts';

/** An event with the traits of its person and of its group as they stand now, as JSON texts. */
export interface OwnedEvent extends StoredEvent {
  person: string;
  group: string;
}

/** `events`: all of the project, since all say something of who is who. */
export function withOwners(events: readonly StoredEvent[], decisions: readonly IdentityDecision[] = []): OwnedEvent[] {
  const { of } = persons(events, decisions);
  const known = new Map<string, Map<string, JsonValue>>();
  const inOrder = events.toSorted((a, b) => a.timeMs - b.timeMs || a.sequence - b.sequence || earlier(a, b));
  for (const event of inOrder) {
    const owner = event.type === 'group' ? `group ${event.groupId}` : of(event);
    const values = known.get(owner) ?? new Map<string, JsonValue>();
    known.set(owner, values);
    for (const [key, value] of Object.entries(JSON.parse(event.traits) as JsonObject)) values.set(key, value);
  }
  const textOf = (owner: string): string => JSON.stringify(Object.fromEntries(known.get(owner) ?? []));
  return events.map((event) => ({ ...event, person: textOf(of(event)), group: event.groupId === '' ? '{}' : textOf(`group ${event.groupId}`) }));
}
