/**
 * PostHog's clients: posthog-node (`/batch/`), posthog-js (`/e/`, `/i/v0/e/`) and older ones (`/capture/`). Only 200
 * counts as delivered for them.
 */
import { randomUUID } from 'node:crypto';
import { countOutcomes, firstOf, isObject, textId } from './dialect.ts';
import type { Dialect, ForeignRequest, JsonObject } from './dialect.ts';

export const posthog: Dialect = {
  paths: ['/batch', '/e', '/i/v0/e', '/capture'],
  // The browser's waits on 503, and gives up on 429. Node's gives up on any answer after 9 s, but keeps its queue while
  // there is no network.
  notNow: ({ path }) => (path === '/batch' ? { kind: 'cut' } : { kind: 'answer', status: 503, retryAfterSeconds: 3 }),
  keyOfBody(body) {
    const whole = isObject(body) ? body : {};
    const [first] = itemsOf(body);
    const properties = isObject(first?.['properties']) ? first['properties'] : {};
    return firstOf(whole['api_key'], whole['token'], first?.['api_key'], properties['token'], whole['$token']);
  },
  read(body, request) {
    if (!Array.isArray(body) && !isObject(body)) return undefined;
    const sentAt = firstOf(isObject(body) ? body['sent_at'] : undefined, sentOf(request));
    return { items: itemsOf(body), translate: (item) => toEvent(item, sentAt, request.nowMs) };
  },
  answer: (admissions) => ({ status: 200, body: { status: 'Ok', ...countOutcomes(admissions) } }),
};

/** A batch, an array, or one event. */
function itemsOf(body: unknown): (JsonObject | undefined)[] {
  if (Array.isArray(body)) return body as JsonObject[];
  if (!isObject(body)) return [];
  return Array.isArray(body['batch']) ? (body['batch'] as JsonObject[]) : [body];
}

/** Older browsers' clients write when they sent into the address, in milliseconds. */
function sentOf({ query }: ForeignRequest): number | undefined {
  const sent = Number(query.get('_') ?? Number.NaN);
  return Number.isSafeInteger(sent) ? sent : undefined;
}

/** Kept under our names, or of no use to anybody who asks. */
const MAPPED = new Set([
  'token',
  'distinct_id',
  '$device_id',
  '$session_id',
  '$raw_user_agent',
  '$ip',
  '$set',
  '$set_once',
  '$insert_id',
]);

function toEvent(item: unknown, sentAt: unknown, nowMs: number): unknown {
  if (!isObject(item)) return item;
  const given = isObject(item['properties']) ? item['properties'] : {};
  const name = item['event'];
  const set = {
    ...asObject(item['$set_once']),
    ...asObject(given['$set_once']),
    ...asObject(item['$set']),
    ...asObject(given['$set']),
  };
  return {
    eventId: firstOf(item['uuid'], given['$insert_id']) ?? randomUUID(),
    ...(CALLS.get(name)?.(given) ?? { type: 'track', eventName: name }),
    ...identityOf(item, given),
    ...(name === '$create_alias' && { previousId: textId(given['alias']) }),
    sessionId: textId(given['$session_id']),
    ...(firstOf(item['timestamp']) === undefined && isAge(item['offset'])
      ? { timestamp: nowMs - item['offset'] }
      : { timestamp: item['timestamp'], sentAt }),
    ...(Object.keys(set).length > 0 && name !== '$groupidentify' && { traits: set }),
    properties: Object.fromEntries(Object.entries(given).filter(([key]) => !MAPPED.has(key))),
    context: contextOf(given),
  };
}

/** Older clients tell an event's age when it was sent, in ms, in place of its time; no clock is needed for that. */
const isAge = (offset: unknown): offset is number => Number.isSafeInteger(offset) && (offset as number) >= 0;

/** Calls that are events there. A Map: an event may be called `constructor`. */
const CALLS = new Map<unknown, (properties: JsonObject) => JsonObject>([
  ['$identify', () => ({ type: 'identify' })],
  ['$set', () => ({ type: 'identify' })],
  ['$create_alias', () => ({ type: 'alias' })],
  ['$pageview', () => ({ type: 'page' })],
  ['$screen', () => ({ type: 'screen' })],
  [
    '$groupidentify',
    (properties) => ({
      type: 'group',
      groupId: textId(properties['$group_key']),
      traits: asObject(properties['$group_set']),
    }),
  ],
]);

/** `distinct_id` is a user, unless the client says that nobody has been identified, or it is the device's own. */
function identityOf(item: JsonObject, properties: JsonObject): JsonObject {
  const distinct = textId(firstOf(item['distinct_id'], properties['distinct_id'], item['$distinct_id']));
  const device = textId(firstOf(properties['$anon_distinct_id'], properties['$device_id']));
  const anonymous = properties['$is_identified'] === false || distinct === device;
  return anonymous ? { anonymousId: distinct } : { userId: distinct, anonymousId: device };
}

function contextOf(properties: JsonObject): JsonObject {
  const groups = Object.values(asObject(properties['$groups']));
  return {
    library: { name: properties['$lib'], version: properties['$lib_version'] },
    page: {
      url: properties['$current_url'],
      path: properties['$pathname'],
      referrer: properties['$referrer'] === '$direct' ? undefined : properties['$referrer'],
      title: properties['title'],
    },
    userAgent: properties['$raw_user_agent'],
    ip: properties['$ip'],
    locale: properties['$browser_language'],
    timezone: properties['$timezone'],
    groupId: textId(groups[0]),
    // No word of theirs: the one place where their clients can say it (protocol F5).
    consent: properties['consent'],
  };
}

const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {});
