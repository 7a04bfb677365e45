/** From a parsed JSON value to an event: every field checked, every reason told at once (protocol rules E1 to E13). */
import type { Fault } from '../errors.ts';
import { EVENT_TYPES } from '../event.ts';
import type { DecodedEvent, EventType, JsonObject } from '../event.ts';
import { firstGiven, readId, readName, readObject, readSequence, readTime, readVersion } from './fields.ts';
import { LIMITS } from '../limits.ts';
import { explainShape, shapeOf } from './shape.ts';

/** What the request says for each of its events. */
export interface EventDefaults {
  /** sentAt of the batch, as it came. */
  sentAt?: unknown;
  /** Type of events that name none, for routes that carry it in their path. */
  type?: EventType;
}

export type Decoded =
  | { event: DecodedEvent; wideNumbers: boolean; texts?: undefined; faults?: undefined }
  | { event?: undefined; faults: [Fault, ...Fault[]] };

/** Names for calls that carry none (E6); `track` has none and must be named. */
export const DEFAULT_NAMES: Record<EventType, string> = {
  track: '',
  page: 'page_view',
  screen: 'screen_view',
  identify: 'identify',
  group: 'group',
  alias: 'alias',
};
const TYPES: ReadonlySet<unknown> = new Set(EVENT_TYPES);
const NO_DEFAULTS: EventDefaults = {};

/**
 * Checks and reads one event. `value` is what JSON.parse gave and is neither changed nor copied: properties, context
 * and traits of the result are its own. An event over the size limit has that one fault only.
 */
export function decodeEvent(value: unknown, defaults: EventDefaults = NO_DEFAULTS): Decoded {
  if (!isObject(value)) {
    return {
      faults: [{ field: '', code: 'not_an_object', detail: `An event is a JSON object, not ${describe(value)}.` }],
    };
  }
  const shape = shapeOf(value);
  if (shape.tooLarge) {
    const detail = `The event takes more than ${LIMITS.maxEventBytes} bytes as compact JSON; send large content elsewhere.`;
    return { faults: [{ field: '', code: 'event_too_large', detail }] };
  }
  const faults: Fault[] = shape.tooDeep || shape.tooManyKeys || shape.notFinite ? explainShape(value) : [];
  const event = readFields(value, defaults, faults);
  const [first, ...others] = faults;
  return first === undefined
    ? { event, wideNumbers: shape.wideNumbers }
    : { faults: [first, ...others] };
}

/**
 * Reads an event whose shape is known to be within the limits, from an excerpt that holds at least the fields that are
 * read here. Undefined when there is any fault: `decodeEvent` says which.
 */
export function decodeExcerpt(excerpt: Record<string, unknown>, defaults: EventDefaults): DecodedEvent | undefined {
  const faults: Fault[] = [];
  const event = readFields(excerpt, defaults, faults);
  return faults.length === 0 ? event : undefined;
}

function readFields(value: Record<string, unknown>, defaults: EventDefaults, faults: Fault[]): DecodedEvent {
  const type = readType(value['type'], defaults.type ?? 'track', faults);
  // messageId and event are Segment's words for the same two fields (E3).
  const eventId = readId(firstGiven(value['eventId'], value['messageId']), 'eventId', LIMITS.maxEventIdLength, faults);
  const eventName = readName(firstGiven(value['eventName'], value['event']), 'eventName', faults) || DEFAULT_NAMES[type];
  const properties = readObject(value['properties'], 'properties', faults);
  const context = readObject(value['context'], 'context', faults);
  const event: DecodedEvent = {
    eventId,
    eventName,
    userId: readId(value['userId'], 'userId', LIMITS.maxIdLength, faults),
    anonymousId: readId(value['anonymousId'], 'anonymousId', LIMITS.maxIdLength, faults),
    sessionId: readId(value['sessionId'], 'sessionId', LIMITS.maxIdLength, faults),
    timestampMs: readTime(value['timestamp'], 'timestamp', faults),
    sentAtMs: readSentAt(value['sentAt'], defaults.sentAt, faults),
    sequence: readSequence(value['sequence'], faults),
    type,
    schemaVersion: readVersion(value['schemaVersion'], faults),
    groupId: readId(value['groupId'], 'groupId', LIMITS.maxIdLength, faults),
    previousId: readId(value['previousId'], 'previousId', LIMITS.maxIdLength, faults),
    properties,
    context,
    traits: readTraits(readObject(value['traits'], 'traits', faults), type, properties, context),
  };
  findMissing(event, faults);
  return event;
}

/** That of the batch is the same for all of its events: read once, it costs 0.2 us less for each of the others. */
let lastOfBatch: unknown;
let lastOfBatchMs: number | undefined;

function readSentAt(own: unknown, ofBatch: unknown, faults: Fault[]): number | undefined {
  const given = firstGiven(own, ofBatch);
  if (given !== ofBatch) return readTime(given, 'sentAt', faults);
  if (typeof given === 'string' && given === lastOfBatch) return lastOfBatchMs;
  const ms = readTime(given, 'sentAt', faults);
  if (ms !== undefined) [lastOfBatch, lastOfBatchMs] = [given, ms];
  return ms;
}

/** Traits come as `traits` or as `properties.$set`; some clients put those of identify into the context alone (E8). */
function readTraits(traits: JsonObject, type: EventType, properties: JsonObject, context: JsonObject): JsonObject {
  const set = properties['$set'];
  if (isObject(set)) return { ...(set as JsonObject), ...traits };
  if (type !== 'identify' || Object.keys(traits).length > 0) return traits;
  const inContext = context['traits'];
  return isObject(inContext) ? (inContext as JsonObject) : traits;
}

function readType(value: unknown, fallback: EventType, faults: Fault[]): EventType {
  // Nearly all are, and a comparison is less than a look-up.
  if (value === 'track') return value;
  if (value === undefined || value === null || value === '') return fallback;
  if (TYPES.has(value)) return value as EventType;
  const detail = `type is one of ${EVENT_TYPES.join(', ')}, not ${describe(value)}.`;
  faults.push({ field: 'type', code: 'unknown_type', detail });
  return fallback;
}

/** What must be there but isn't. */
function findMissing(event: DecodedEvent, faults: Fault[]): void {
  if (event.eventId === '') {
    const detail = 'eventId is missing; make a UUID when the event is captured, and keep it when you send again.';
    addUnlessFaulty(faults, ['eventId'], { field: 'eventId', code: 'missing_event_id', detail });
  }
  if (event.eventName === '') {
    const detail = 'eventName is missing; say what happened, like "purchase".';
    addUnlessFaulty(faults, ['eventName'], { field: 'eventName', code: 'missing_event_name', detail });
  }
  if (event.userId === '' && event.anonymousId === '') {
    const detail = 'userId and anonymousId are both missing; send at least one of them.';
    addUnlessFaulty(faults, ['userId', 'anonymousId'], { field: 'userId', code: 'missing_identity', detail });
  }
  if (event.type === 'group' && event.groupId === '') {
    const detail = 'A group event needs the groupId that the person belongs to.';
    addUnlessFaulty(faults, ['groupId'], { field: 'groupId', code: 'missing_group_id', detail });
  }
  if (event.type === 'alias' && event.previousId === '') {
    const detail = 'An alias event needs the previousId that it links to the userId.';
    addUnlessFaulty(faults, ['previousId'], { field: 'previousId', code: 'missing_previous_id', detail });
  }
}

/** A field that is there but wrong has its own fault already; to call it missing too would mislead. */
function addUnlessFaulty(faults: Fault[], fields: readonly string[], fault: Fault): void {
  if (!faults.some(({ field }) => fields.includes(field))) faults.push(fault);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
