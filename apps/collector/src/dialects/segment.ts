/**
 * Segment's HTTP tracking API, spoken by its own clients for web, Node, mobile and other servers, and by RudderStack's.
 * https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/
 */
import { randomUUID } from 'node:crypto';
import type { Answer } from '../answer.ts';
import { countOutcomes, firstOf, isObject, textId } from './dialect.ts';
import type { Dialect, ForeignRequest, JsonObject } from './dialect.ts';

/** The calls, and the letters that clients in browsers write for them. */
const TYPES: Record<string, string> = {
  track: 'track',
  t: 'track',
  page: 'page',
  p: 'page',
  screen: 'screen',
  s: 'screen',
  identify: 'identify',
  i: 'identify',
  group: 'group',
  g: 'group',
  alias: 'alias',
  a: 'alias',
};
const BATCHES = ['batch', 'b', 'import'];

export const segment: Dialect = {
  paths: [
    ...[...Object.keys(TYPES), ...BATCHES].map((call) => `/v1/${call}`),
    // RudderStack's browser client, when it sends by beacon.
    '/beacon/v1/batch',
  ],
  read(body, request) {
    const call = request.path.slice(request.path.lastIndexOf('/') + 1);
    const sentAt = firstOf(isObject(body) ? body['sentAt'] : undefined, request.headers['sentat']);
    if (!BATCHES.includes(call))
      return { items: [body], translate: (item) => toEvent(item, { type: TYPES[call]!, sentAt }) };
    if (!isObject(body) || !Array.isArray(body['batch'])) return undefined;
    const context = isObject(body['context']) ? body['context'] : undefined;
    return { items: body['batch'] as unknown[], translate: (item) => toEvent(item, { sentAt, context }) };
  },
  // On 429 Segment's wait as long as they are told, as often as they are; on 503 only ten times. RudderStack's for Node
  // tries three times, and obeys Retry-After: so half a minute is bridged.
  notNow: () => ({ kind: 'answer', status: 429, retryAfterSeconds: 10 }),
  answer: (admissions, receivedAtMs) => ({
    status: 200,
    body: { success: true, ...countOutcomes(admissions), receivedAt: new Date(receivedAtMs).toISOString() },
  }),
};

interface CallDefaults {
  type?: string;
  sentAt: unknown;
  /** Of the whole batch; an event's own wins. */
  context?: JsonObject | undefined;
}

/** These write `sentAt` when they close a batch's file, not when they send it: an upload hours later would move the time by hours. */
const SENT_AT_OF_FILE = /^analytics-(swift|kotlin)/;

/** An event of Segment's in our words; what is no object is left to be refused as it is. */
export function toEvent(item: unknown, defaults: CallDefaults): unknown {
  if (!isObject(item)) return item;
  const type = firstOf(item['type'], defaults.type);
  const context = { ...defaults.context, ...(isObject(item['context']) ? item['context'] : undefined) };
  const library = isObject(context['library']) ? String(context['library']['name']) : '';
  // RudderStack's channel says web or mobile; ours says where a visit came from (N6).
  delete context['channel'];
  const { timestamp, originalTimestamp } = item;
  // Both there: the first was set by the caller, and is no time of the device's clock.
  const corrected = firstOf(timestamp) !== undefined && firstOf(originalTimestamp) !== undefined;
  return {
    eventId: firstOf(item['messageId'], item['eventId']) ?? randomUUID(),
    type,
    eventName: firstOf(item['event'], item['eventName']),
    userId: textId(item['userId']),
    anonymousId: textId(item['anonymousId']),
    sessionId: textId(context['sessionId']),
    groupId: textId(firstOf(item['groupId'], type === 'group' ? context['groupId'] : undefined)),
    previousId: textId(item['previousId']),
    timestamp: firstOf(timestamp, originalTimestamp),
    sentAt: corrected || SENT_AT_OF_FILE.test(library) ? undefined : firstOf(item['sentAt'], defaults.sentAt),
    traits: item['traits'],
    properties: withNames(item),
    context,
  };
}

/** A page's or screen's name and category stand beside its properties; ours stand in them. */
function withNames(item: JsonObject): unknown {
  const { name, category, properties } = item;
  if (
    firstOf(name, category) === undefined ||
    (properties !== undefined && properties !== null && !isObject(properties))
  )
    return properties;
  return {
    ...(firstOf(name) !== undefined && { name }),
    ...(firstOf(category) !== undefined && { category }),
    ...properties,
  };
}

const METHODS = new Set(['track', 'page', 'screen', 'identify', 'group', 'alias']);

/** One transparent point (GIF89a). */
const PIXEL: Answer = {
  status: 200,
  body: Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
  contentType: 'image/gif',
};

/** `GET /v1/pixel/{method}`: for mails and pages without script. Always an image, whatever became of the event. */
export const segmentPixel: Dialect = {
  paths: [],
  prefixes: ['/v1/pixel/'],
  bodyOfHead: readPixel,
  read: (body, { path }) => {
    const type = path.slice('/v1/pixel/'.length);
    return METHODS.has(type)
      ? { items: [body], translate: (item) => toEvent(item, { type, sentAt: undefined }) }
      : undefined;
  },
  answer: () => PIXEL,
  only: PIXEL,
  // Nobody asks for an image twice.
  notNow: () => ({ kind: 'hold', ms: 5_000 }),
};

/** `data` is base64url of JSON; else each parameter is a field, dots leading inwards. */
function readPixel({ query }: ForeignRequest): unknown {
  const data = query.get('data');
  if (data !== null) {
    try {
      return JSON.parse(Buffer.from(data, 'base64url').toString()) as unknown;
    } catch {
      return data;
    }
  }
  const body: JsonObject = Object.create(null) as JsonObject;
  for (const [name, value] of query) {
    const steps = name.split('.').slice(0, 20);
    let at = body;
    for (const step of steps.slice(0, -1)) {
      if (!Object.hasOwn(at, step) || !isObject(at[step])) at[step] = Object.create(null) as JsonObject;
      at = at[step] as JsonObject;
    }
    at[steps.at(-1)!] = value;
  }
  return body;
}
