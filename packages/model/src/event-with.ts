/** Events with what is known of their people besides. */
import type { JsonObject, StoredEvent } from '@tidemark/event';

/** An event with the names of the cohorts that its person is in. */
export interface CohortedEvent extends StoredEvent {
  cohorts: readonly string[];
}

/** An event with the properties of its session. */
export interface SessionedEvent extends StoredEvent {
  session: JsonObject;
}
