/**
 * Records of the `quarantine` topic, UTF-8 JSON. An `item` is an event that could not be stored, with its original
 * bytes. A `tally` only counts events that were not kept at all, so that the balance stays whole.
 */
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
