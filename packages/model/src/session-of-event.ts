/** What the session of an event is (docs/questions.md, P6). */
import type { JsonObject, StoredEvent } from '@tidemark/event';
import { personOf } from './person.ts';
import { sessionsOf, sessionValue, SESSION_PROPERTIES } from './sessions.ts';
import type { SessionedEvent } from './event-with.ts';

/** `events`: all of the project. */
export function withSessions<Event extends StoredEvent>(events: readonly Event[], gapMs: number, person = personOf(events)): (Event & SessionedEvent)[] {
  const of = new Map<StoredEvent, JsonObject>();
  for (const session of sessionsOf(events, gapMs, person)) {
    const values = Object.fromEntries(SESSION_PROPERTIES.map((name) => [name, sessionValue(session, name) ?? null]));
    for (const event of [...session.own, ...session.joined]) of.set(event, values);
  }
  return events.map((event) => ({ ...event, session: of.get(event) ?? {} }));
}
