/** The door: from what a client sent to what the stores keep, or to the reasons why not. Pure but for its caches. */
import { decodeEvent, eventTime, FLAG, toIndexedJsonText, toJsonText } from '@tidemark/event';
import type { EventType, Fault, StoredEvent } from '@tidemark/event';
import type { Admission, RequestFacts } from './admission.ts';
import { createEnrich } from './enrich.ts';
import type { CountryOf } from './geo.ts';

export interface AdmissionSteps {
  /**
   * `value` is one event as JSON.parse gave it; it is not changed. Never throws for what a client can send. `type` is
   * the type of events that name none, for routes that carry it in their path.
   */
  admit(value: unknown, facts: RequestFacts, type?: EventType): Admission;
}

export function createAdmission({ countryOf }: { countryOf: CountryOf }): AdmissionSteps {
  const enrich = createEnrich({ countryOf });

  return {
    admit(value, facts, type) {
      const decoded = decodeEvent(
        value,
        type === undefined ? { sentAt: facts.sentAt } : { sentAt: facts.sentAt, type },
      );
      if (decoded.faults !== undefined) return refuse(value, decoded.faults);
      const { event, wideNumbers, nestedLists } = decoded;
      const time = eventTime(event.timestampMs, event.sentAtMs, facts.receivedAtMs);
      if (time.timeMs < 0) return refuse(value, [beforeTheEpoch]);
      const { retentionDays } = facts.settings;
      if (retentionDays !== null && time.timeMs < facts.receivedAtMs - retentionDays * DAY_MS)
        return refuse(value, [olderThan(retentionDays, time.timeMs)]);
      const enriched = enrich(event, facts, wideNumbers);
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
        properties: toJsonText(event.properties, wideNumbers),
        context: enriched.context,
        traits: toJsonText(event.traits, wideNumbers),
        indexedProperties: nestedLists ? toIndexedJsonText(event.properties) : '',
      };
      return { kind: 'store', event: stored };
    },
  };
}

const DAY_MS = 86_400_000;

/** By receivedAt, not by the clock: a second try at a record decides the same. */
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
