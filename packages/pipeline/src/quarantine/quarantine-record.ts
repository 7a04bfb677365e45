/**
 * Records of the `quarantine` topic, UTF-8 JSON, `kind` first. An `item` is an event that could not be stored, with its
 * original bytes. A `tally` only counts events that were not kept at all, so that the balance stays whole. A `replayed`
 * says that an item has left the quarantine: it is appended in one group commit with the item's row in the topic `events`.
 */
import type { KeptRequest } from './kept-request.ts';

/** Where a quarantined item stands. Items of the topic `events` are rows that a store refused. */
export interface ItemPosition {
  epoch: string;
  topic: 'events' | 'quarantine';
  partition: number;
  offset: number;
}

export type QuarantineRecord =
  | {
      kind: 'item';
      project: string;
      source: string;
      receivedAtMs: number;
      /** Code of the first fault. */
      code: string;
      detail: string;
      faults: { field: string; code: string; detail: string }[];
      eventId: string;
      eventName: string;
      /** The event's own bytes as received (decompressed): as text when they are UTF-8, else base64. */
      original: string;
      encoding: 'utf8' | 'base64';
      /** Id of the valve that stopped it. */
      valve?: string;
      /** Absent where the request says nothing besides, and in records from before it was kept. */
      request?: KeptRequest;
    }
  | {
      kind: 'replayed';
      project: string;
      source: string;
      /** When it was replayed. */
      receivedAtMs: number;
      of: ItemPosition;
      /** receivedAt of the item. */
      itemReceivedAtMs: number;
      /** Code of the item. */
      code: string;
      /** Its event was stored long ago, and there is no row of it beside this record: it counts as a duplicate. */
      known?: true;
    }
  | {
      kind: 'tally';
      project: string;
      source: string;
      receivedAtMs: number;
      outcome: 'filtered' | 'rejected';
      code: string;
      events: number;
      /** Id of the valve that stopped them. */
      valve?: string;
    };
