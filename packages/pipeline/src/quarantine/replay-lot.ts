import type { StoredEvent } from '@tidemark/event';
import type { ItemPosition } from './quarantine-record.ts';

/** An item that leaves the quarantine. */
export interface ReplayedEvent {
  project: string;
  source: string;
  /** Of the item. */
  code: string;
  of: ItemPosition;
  itemReceivedAtMs: number;
  /** As it is to be stored; its receivedAt is the log's to say. Absent: an event of its id was stored long ago. */
  event?: StoredEvent;
}

/** What the engine asks the collector to append, in one group commit. */
export interface ReplayLot {
  /** As the collector told it; it takes one lot for each, so that nobody replays on what has changed since. */
  turn: string;
  events: readonly ReplayedEvent[];
}
