/**
 * What the door must make of one event, read off docs/protocol.md rule by rule (E1-E15, T1-T8) and as slowly as one
 * likes: the oracle for decoder, admission and collector. It knows nothing of how they go about it.
 */
import type { JsonObject, JsonValue } from '@tidemark/event';
import { readTime, utcMs } from './door-times.ts';

export interface DoorFacts {
  /** Epoch ms; the clock where that was set back (T7). */
  receivedAtMs: number;
  /** sentAt of the batch, as it came; undefined when there is none. */
  sentAt?: unknown;
  retentionDays?: number | null;
}

/** Of the texts that stand for what the client said; what enrichment adds to the context is not the door's business. */
export interface Admitted {
  eventId: string;
  eventName: string;
  type: string;
  userId: string;
  anonymousId: string;
  sessionId: string;
  groupId: string;
  previousId: string;
  schemaVersion: string;
  sequence: number;
  timeMs: number;
  originalTimeMs: number;
  properties: JsonObject;
  context: JsonObject;
  traits: JsonObject;
}

export type AtTheDoor =
  | { end: 'stored'; event: Admitted }
  /** `faults` as `field: code`, sorted; faults of shape (size, depth, width, numbers) as their code alone. */
  | { end: 'quarantined'; faults: string[] }
  /** Too large: counted and not kept. */
  | { end: 'rejected' };

const TYPES = ['track', 'page', 'screen', 'identify', 'group', 'alias'];
const NAMES: Record<string, string> = { page: 'page_view', screen: 'screen_view', identify: 'identify', group: 'group', alias: 'alias' };
const NOBODY = [
  'null', 'undefined', '[object object]', '[object undefined]', '[object null]', 'nan', 'true', 'false', '0', '-1', 'anonymous', 'anon', 'guest',
  'nil', 'none', 'n/a', 'unknown', 'not_authenticated', 'unauthenticated', 'distinct_id', 'distinctid', 'user_id', 'userid', 'anonymous_id',
  'anonymousid', 'id', 'email', '00000000-0000-0000-0000-000000000000', '(null)', '""', "''", '{}', '[]', '',
];
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const LAST_MS = utcMs(2262, 1, 1) - 1;

/** `value` is the event as JSON.parse reads it: of keys that stand twice the last counts. */
export function atTheDoor(value: unknown, { receivedAtMs, sentAt, retentionDays = null }: DoorFacts): AtTheDoor {
  if (Buffer.byteLength(JSON.stringify(value)) > 65_536) return { end: 'rejected' };
  if (!isObject(value)) return { end: 'quarantined', faults: [': not_an_object'] };
  const faults = new Set<string>();
  const fault = (field: string, code: string): void => void faults.add(`${field}: ${code}`);

  const documents = [value['properties'], value['context'], value['traits']];
  if (documents.some((document) => isObject(document) && keysOf(document) > 512)) faults.add('too_many_properties');
  if (Object.values(value).some((field) => depthOf(field) > 20)) faults.add('too_deep');
  else if (hasInfinity(value)) faults.add('number_out_of_range');

  const text = (given: unknown, field: string, maxCharacters: number): string => {
    if (isNone(given)) return '';
    if (typeof given !== 'string') fault(field, 'wrong_type');
    else if ([...given].length > maxCharacters) fault(field, 'too_long');
    else if (!given.isWellFormed()) fault(field, 'invalid_unicode');
    else return given;
    return '';
  };
  const id = (given: unknown, field: string, maxCharacters = 256): string => {
    const found = text(given, field, maxCharacters);
    if (found === '' || !NOBODY.includes(found.trim().toLowerCase())) return found;
    fault(field, 'illegal_id');
    return '';
  };
  const time = (given: unknown, field: string): number | undefined => {
    if (isNone(given)) return undefined;
    const read = readTime(given, LAST_MS);
    if (typeof read === 'number') return read;
    fault(field, read);
    return undefined;
  };
  const document = (field: string): JsonObject => {
    const given = value[field];
    if (isObject(given)) return given as JsonObject;
    if (!isNone(given)) fault(field, 'wrong_type');
    return {};
  };

  const type = TYPES.find((known) => known === value['type']) ?? 'track';
  if (!isNone(value['type']) && type !== value['type']) fault('type', 'unknown_type');
  const eventId = id(first(value['eventId'], value['messageId']), 'eventId', 200);
  const named = text(first(value['eventName'], value['event']), 'eventName', 200);
  const eventName = named.trim() === '' ? (NAMES[type] ?? '') : named;
  const ids = {
    userId: id(value['userId'], 'userId'),
    anonymousId: id(value['anonymousId'], 'anonymousId'),
    sessionId: id(value['sessionId'], 'sessionId'),
    groupId: id(value['groupId'], 'groupId'),
    previousId: id(value['previousId'], 'previousId'),
  };
  const timestampMs = time(value['timestamp'], 'timestamp');
  const sentAtMs = time(first(value['sentAt'], sentAt), 'sentAt');
  const sequence = isNone(value['sequence']) ? 0 : (value['sequence'] as number);
  if (!Number.isSafeInteger(sequence) || sequence < 0) fault('sequence', 'wrong_type');
  const version = value['schemaVersion'];
  const schemaVersion = Number.isSafeInteger(version) ? String(version) : text(version, 'schemaVersion', 64);
  const [properties, context, traits] = [document('properties'), document('context'), document('traits')];

  const missing = (fields: string[], code: string): void => {
    if (![...faults].some((known) => fields.some((field) => known.startsWith(`${field}: `)))) fault(fields[0]!, code);
  };
  if (eventId === '') missing(['eventId'], 'missing_event_id');
  if (eventName === '') missing(['eventName'], 'missing_event_name');
  if (ids.userId === '' && ids.anonymousId === '') missing(['userId', 'anonymousId'], 'missing_identity');
  if (type === 'group' && ids.groupId === '') missing(['groupId'], 'missing_group_id');
  if (type === 'alias' && ids.previousId === '') missing(['previousId'], 'missing_previous_id');
  if (faults.size > 0) return { end: 'quarantined', faults: [...faults].toSorted() };

  // T4 to T6.
  const originalTimeMs = timestampMs ?? receivedAtMs;
  const offsetMs = sentAtMs === undefined || timestampMs === undefined ? 0 : receivedAtMs - sentAtMs;
  const corrected = originalTimeMs + (Math.abs(offsetMs) <= 120_000 ? 0 : Math.round(offsetMs / 60_000) * 60_000);
  if (corrected < 0) return { end: 'quarantined', faults: ['sentAt: timestamp_out_of_range'] };
  const timeMs = corrected > receivedAtMs + HOUR_MS ? receivedAtMs : corrected;
  if (retentionDays !== null && timeMs < receivedAtMs - retentionDays * DAY_MS)
    return { end: 'quarantined', faults: ['timestamp: older_than_retention'] };

  const set = properties['$set'];
  const inContext = context['traits'];
  const known = isObject(set) ? { ...(set as JsonObject), ...traits } : traits;
  const useContext = type === 'identify' && !isObject(set) && Object.keys(traits).length === 0 && isObject(inContext);
  return {
    end: 'stored',
    event: {
      eventId, eventName, type, ...ids, schemaVersion, sequence, timeMs, originalTimeMs,
      properties, context, traits: useContext ? (inContext as JsonObject) : known,
    },
  };
}

/**
 * A JSON value as one text: members sorted, whole characters only (E14: half a surrogate pair becomes U+FFFD, and of
 * keys that thereby become the same the last counts), -0 as 0. Two values mean the same when their texts are the same.
 */
export function meaningOf(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (Array.isArray(value)) return `[${value.map(meaningOf).join()}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const members = new Map(Object.entries(value).map(([key, child]) => [JSON.stringify(key.toWellFormed()), meaningOf(child as JsonValue)]));
  return `{${[...members].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([key, child]) => `${key}:${child}`).join()}}`;
}

/** E4. */
function isNone(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function first(value: unknown, otherwise: unknown): unknown {
  return isNone(value) ? otherwise : value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function childrenOf(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : [];
}

/** E12: keys, those of nested objects counted, those within lists not. */
function keysOf(value: unknown): number {
  return isObject(value) ? childrenOf(value).reduce<number>((sum, child) => sum + 1 + keysOf(child), 0) : 0;
}

/** E13: levels of objects and lists. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + childrenOf(value).reduce<number>((deepest, child) => Math.max(deepest, depthOf(child)), 0);
}

function hasInfinity(value: unknown): boolean {
  return value === Infinity || value === -Infinity || childrenOf(value).some(hasInfinity);
}
