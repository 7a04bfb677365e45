import type { Memory } from './row/row-bytes.ts';

/** What a client may call an event, in Segment's words. */
export const EVENT_TYPES = ['track', 'page', 'screen', 'identify', 'group', 'alias'] as const;
export type EventType = (typeof EVENT_TYPES)[number];

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/**
 * One event after decoding: checked, its ids made plain, its times still the client's own.
 * Absent ids are `''` (on the wire `null`, `""` and absent all mean none, protocol rule E4).
 */
export interface DecodedEvent {
  eventId: string;
  eventName: string;
  userId: string;
  anonymousId: string;
  sessionId: string;
  /** Client event time in epoch milliseconds; undefined when the client sent none. */
  timestampMs: number | undefined;
  /** Client time at sending in epoch milliseconds, from the event or its batch. */
  sentAtMs: number | undefined;
  /** The device's own counter; undefined when the client sent none. */
  sequence: number | undefined;
  type: EventType;
  schemaVersion: string;
  groupId: string;
  previousId: string;
  properties: JsonObject;
  context: JsonObject;
  traits: JsonObject;
}

/** How the JSON objects of an event become texts. */
export interface EventJson {
  /** The texts, where they are known; then the event's own objects need only hold what decoding and enrichment read. */
  texts?: { properties: string; context: string; traits: string } | undefined;
  verbatim?: Verbatim | undefined;
  /** Integers beyond 64 bits are written with care (json-text.ts). */
  wideNumbers: boolean;
}

/**
 * Where texts of an event stand in the body that it came with, byte for byte as its row has them: they are copied from there, which
 * takes a tenth of what it takes to write a text. Each begins at a place and ends before its `End`; 0 where it has to be written.
 */
export interface Verbatim {
  readonly body: Memory;
  readonly eventId: number;
  readonly eventIdEnd: number;
  readonly userId: number;
  readonly userIdEnd: number;
  readonly anonymousId: number;
  readonly anonymousIdEnd: number;
  readonly sessionId: number;
  readonly sessionIdEnd: number;
  readonly properties: number;
  readonly propertiesEnd: number;
  /** The client's own, without what enrichment adds to it. */
  readonly context: number;
  readonly contextEnd: number;
}

/** Bits of `StoredEvent.flags`. */
export const FLAG = {
  /** The client sent a timestamp. */
  timestampGiven: 1,
  /** The client sent a sequence. */
  sequenceGiven: 2,
  /** The clock of the device was off by more than the ignored skew, and the time was corrected. */
  skewCorrected: 4,
  /** The event lay more than an hour in the future and was set to receivedAt. */
  futureClamped: 8,
  /** Sent by an import: it may be older than the dedup window, so the warehouse is asked too (protocol rule X7). */
  imported: 16,
} as const;

/** Columns that enrichment fills from the context, the request's address and its user agent. `''` = not known. */
export interface Enrichment {
  country: string;
  os: string;
  browser: string;
  /** `desktop`, `mobile`, `tablet`, … */
  deviceType: string;
  /** `direct`, `search`, `social`, `email`, `paid`, `referral`, … */
  channel: string;
  campaignSource: string;
  campaignMedium: string;
  campaignName: string;
  referrerHost: string;
  pagePath: string;
  appVersion: string;
  locale: string;
}

/** One event as every store keeps it. Times are epoch milliseconds UTC. */
export interface StoredEvent extends Enrichment {
  project: string;
  /** Id of the source (write key's name), never the key itself. */
  source: string;
  eventId: string;
  eventName: string;
  type: EventType;
  userId: string;
  anonymousId: string;
  sessionId: string;
  groupId: string;
  previousId: string;
  schemaVersion: string;
  sequence: number;
  /** Corrected event time. */
  timeMs: number;
  originalTimeMs: number;
  receivedAtMs: number;
  bot: boolean;
  flags: number;
  /** JSON texts, written once by the collector from the parsed value. */
  properties: string;
  context: string;
  traits: string;
  verbatim?: Verbatim | undefined;
  /** With `verbatim`: what `context` has behind the client's own, before the closing brace; absent: it has to be written whole. */
  contextAdded?: string | undefined;
}
