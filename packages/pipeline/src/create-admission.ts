/** The door: from what a client sent to what the stores keep, or to the reasons why not. Pure but for its caches. */
import { decodeEvent, decodeExcerpt, eventTime, FLAG, toJsonText } from '@tidemark/event';
import type { DecodedEvent, EventJson, EventType, Fault, JsonObject, JsonValue, PlainEvent, StoredEvent } from '@tidemark/event';
import type { Admission, RequestFacts } from './admission.ts';
import { createEnrich } from './enrich/enrich.ts';
import type { CountryOf } from './enrich/geo.ts';
import { keptRequest, type KeptRequest } from './quarantine/kept-request.ts';

export interface AdmissionSteps {
  /**
   * `value` is one event as JSON.parse gave it; it is not changed. Never throws for what a client can send. `type` is
   * the type of events that name none, for routes that carry it in their path.
   */
  admit(value: unknown, facts: RequestFacts, type?: EventType): Admission;
  /** The same for an event that was not parsed; undefined when it has to be, for `admit` to say what is wrong with it. */
  admitPlain(plain: PlainEvent, facts: RequestFacts): Admission | undefined;
  /** What is kept of a request with each of its events that is quarantined; undefined: nothing. */
  kept(facts: RequestFacts): KeptRequest | undefined;
}

export function createAdmission({ countryOf }: { countryOf: CountryOf }): AdmissionSteps {
  const enrich = createEnrich({ countryOf });

  function settle(event: DecodedEvent, value: unknown, facts: RequestFacts, json: EventJson): Admission {
    if (isDenied(event.context, facts.settings.consentCategory))
      return { kind: 'filter', eventId: event.eventId, reason: 'consent' };
    const nowMs = facts.clockMs ?? facts.receivedAtMs;
    const time = eventTime(event.timestampMs, event.sentAtMs, nowMs);
    if (time.timeMs < 0) return refuse(value, [beforeTheEpoch]);
    const { retentionDays } = facts.settings;
    // Of a replay it counts when it is let in: what has grown too old meanwhile would be deleted again.
    const keptFromMs = facts.replayed === undefined ? nowMs : Math.max(nowMs, facts.receivedAtMs);
    if (retentionDays !== null && time.timeMs < keptFromMs - retentionDays * DAY_MS)
      return refuse(value, [olderThan(retentionDays, time.timeMs)]);
    const enriched = enrich(event, facts, json);
    if (enriched.bot && facts.settings.bots === 'drop')
      return { kind: 'filter', eventId: event.eventId, reason: 'bot' };
    const stored: StoredEvent = {
      project: facts.project,
      source: facts.source,
      eventId: event.eventId,
      eventName: event.eventName,
      type: event.type,
      userId: event.userId,
      anonymousId: event.anonymousId,
      sessionId: event.sessionId,
      groupId: event.groupId,
      previousId: event.previousId,
      schemaVersion: event.schemaVersion,
      sequence: event.sequence ?? 0,
      timeMs: time.timeMs,
      originalTimeMs: time.originalTimeMs,
      receivedAtMs: facts.receivedAtMs,
      bot: enriched.bot,
      flags:
        time.flags |
        (event.sequence === undefined ? 0 : FLAG.sequenceGiven) |
        (facts.imported === true ? FLAG.imported : 0),
      country: enriched.country,
      os: enriched.os,
      browser: enriched.browser,
      deviceType: enriched.deviceType,
      channel: enriched.channel,
      campaignSource: enriched.campaignSource,
      campaignMedium: enriched.campaignMedium,
      campaignName: enriched.campaignName,
      referrerHost: enriched.referrerHost,
      pagePath: enriched.pagePath,
      appVersion: enriched.appVersion,
      locale: enriched.locale,
      properties: json.texts?.properties ?? toJsonText(event.properties, json.wideNumbers),
      context: enriched.context,
      traits: json.texts?.traits ?? toJsonText(event.traits, json.wideNumbers),
      verbatim: json.verbatim,
      contextAdded: enriched.contextAdded,
    };
    return { kind: 'store', event: stored };
  }

  return {
    admit(value, facts, type) {
      const decoded = decodeEvent(
        value,
        type === undefined ? { sentAt: facts.sentAt } : { sentAt: facts.sentAt, type },
      );
      if (decoded.faults !== undefined) return refuse(value, decoded.faults);
      return settle(decoded.event, value, facts, decoded);
    },
    admitPlain(plain, facts) {
      const event = decodeExcerpt(plain.excerpt, facts);
      return event === undefined ? undefined : settle(event, plain.excerpt, facts, plain);
    },
    kept: (facts) => keptRequest(facts, countryOf),
  };
}

/** What a client says of a category that it doesn't name is no denial. */
function isDenied(context: JsonObject, category: string | null): boolean {
  const { consent } = context;
  if (category === null || !isObject(consent)) return false;
  const preferences = consent['categoryPreferences'];
  return isObject(preferences) && Object.hasOwn(preferences, category) && preferences[category] === false;
}

function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const DAY_MS = 86_400_000;

/** Decided once, at the door: what is in the log is stored, however late. */
function olderThan(retentionDays: number, timeMs: number): Fault {
  const kept = retentionDays === 1 ? 'a day' : `${retentionDays} days`;
  return {
    field: 'timestamp',
    code: 'older_than_retention',
    detail: `The event's time, ${new Date(timeMs).toISOString()}, is longer ago than the project keeps events (${kept}); lengthen the retention first, or leave the event out.`,
  };
}

const beforeTheEpoch: Fault = {
  field: 'sentAt',
  code: 'timestamp_out_of_range',
  detail: 'Corrected by sentAt, the event would lie before 1970; check the clock of the device.',
};

function refuse(value: unknown, faults: [Fault, ...Fault[]]): Admission {
  const eventId = named(value, 'eventId', 'messageId');
  const [first] = faults;
  if (first.code === 'event_too_large') return { kind: 'reject', eventId, fault: first };
  return { kind: 'quarantine', eventId, eventName: named(value, 'eventName', 'event'), faults };
}

/** A refused event's own name for itself, as far as it has one: for the answer and for the list of the quarantined. */
function named(value: unknown, field: string, alias: string): string {
  if (typeof value !== 'object' || value === null) return '';
  const fields = value as Record<string, unknown>;
  const text = fields[field] ?? fields[alias];
  return typeof text === 'string' ? text.slice(0, 200).toWellFormed() : '';
}
