import type { TimelineRow } from '@tidemark/analytics';
import type { StoredEvent } from '@tidemark/event';

/**
 * An event on its way into the stores in the shape in which the timeline gives it back, to show it before it is there.
 * The person is told from the event alone; once stored, its device may turn out to be a known user's.
 */
export function toTimelineRow(event: StoredEvent): TimelineRow {
  return {
    event_id: event.eventId,
    event_name: event.eventName,
    type: event.type,
    user_id: event.userId,
    anonymous_id: event.anonymousId,
    session_id: event.sessionId,
    group_id: event.groupId,
    previous_id: event.previousId,
    schema_version: event.schemaVersion,
    sequence: event.sequence,
    flags: event.flags,
    source: event.source,
    bot: event.bot ? 1 : 0,
    properties: event.properties,
    context: event.context,
    traits: event.traits,
    time_ms: event.timeMs,
    original_time_ms: event.originalTimeMs,
    received_at_ms: event.receivedAtMs,
    person: event.userId === '' ? event.anonymousId : event.userId,
  };
}
