/** An event as the server takes it (docs/protocol.md, E and T); times are milliseconds since 1970. */

export type EventType = 'track' | 'page' | 'screen' | 'identify' | 'group' | 'alias';

/** Anything that JSON has a form for; other values are made to fit (SPEC E3). */
export type Properties = Record<string, unknown>;

/** What a call of the host says of an event; the pipeline adds id, time, number and library. */
export interface EventDraft {
  type: EventType;
  eventName?: string | undefined;
  userId?: string | undefined;
  anonymousId?: string | undefined;
  sessionId?: string | undefined;
  groupId?: string | undefined;
  previousId?: string | undefined;
  /** RFC 3339, or milliseconds since 1970; absent: now. */
  timestamp?: string | number | undefined;
  /** The host's own id, where it has one; absent: a new one. */
  eventId?: string | undefined;
  schemaVersion?: string | undefined;
  properties?: Properties | undefined;
  traits?: Properties | undefined;
  context?: Properties | undefined;
}

/** As `beforeSend` sees it: complete but for its number. */
export interface CapturedEvent extends EventDraft {
  eventId: string;
  timestamp: string | number;
}
