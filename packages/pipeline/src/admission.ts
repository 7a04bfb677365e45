/** What becomes of one event at the door. Outcomes are data: whoever takes one must deal with each kind. */
import type { StoredEvent } from '@tidemark/event';
import type { DoorSettings, ValveRule } from '@tidemark/control';

/** What the request itself says, the same for each of its events. */
export interface RequestFacts {
  project: string;
  source: string;
  settings: DoorSettings;
  receivedAtMs: number;
  /** The clock, epoch ms, where it was set back and receivedAt waits for it (T7); undefined: receivedAtMs is the time. */
  clockMs?: number | undefined;
  /** sentAt of the batch, as it came; undefined when there is none. */
  sentAt: unknown;
  /** The client's address as the trusted proxies tell it; undefined when not known. */
  ip: string | undefined;
  userAgent: string | undefined;
  /** The request carries Origin or Sec-Fetch-Site: its User-Agent speaks for the person, not for a server. */
  fromBrowser: boolean;
  /** The request is part of an import of old events (header `X-Tidemark-Import: 1`). */
  imported?: boolean;
  /** Valves of the source; absent when there are none, which is nearly always. */
  valves?: readonly ValveRule[] | undefined;
  /** The event came at `clockMs` and is let in now, at receivedAtMs; `country`: of the address that it came from, '' = not known. */
  replayed?: { country: string };
}

export interface FieldFault {
  /** JSON path of the field, like `properties.price`. */
  field: string;
  code: string;
  detail: string;
}

export type Admission =
  | { kind: 'store'; event: StoredEvent }
  /** `valve`: id of the valve that stopped it. */
  | { kind: 'quarantine'; eventId: string; eventName: string; faults: [FieldFault, ...FieldFault[]]; valve?: string }
  | { kind: 'filter'; eventId: string; reason: 'bot' | 'consent' }
  | { kind: 'reject'; eventId: string; fault: FieldFault; valve?: string };
