import { RowWriter, type StoredEvent } from '@tidemark/event';
import type { LogWriter } from '@tidemark/log';

/** Events `from` to `to` of a history of three months, always the same. */
export function eventsOf(from: number, to: number): StoredEvent[] {
  return Array.from({ length: to - from }, (_, index) => eventOf(from + index));
}

function eventOf(n: number): StoredEvent {
  const timeMs = Date.UTC(2026, n % 3, 15, 10) + n;
  const none = { sessionId: '', groupId: '', previousId: '', schemaVersion: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '' };
  return {
    ...none, project: 'p1', source: 'web', eventId: `e${n}`, eventName: n % 5 === 0 ? 'order' : 'click', type: 'track', userId: `u${n % 7}`, anonymousId: '', sequence: 0,
    timeMs, originalTimeMs: timeMs, receivedAtMs: 0, bot: false, flags: 1, country: 'DE', properties: `{"n":${n},"list":[1,[${n}]]}`, context: '{"c":1}', traits: '{}',
  };
}

export async function append(log: LogWriter, events: readonly StoredEvent[]): Promise<void> {
  const receivedAtMs = log.stamp();
  const rows = new RowWriter();
  for (const event of events) rows.writeFramed({ ...event, receivedAtMs });
  const minuteMs = receivedAtMs - (receivedAtMs % 60_000);
  await log.append([{ topic: 'events', partition: 0, count: events.length, bytes: rows.take() }], [{ project: 'p1', source: 'web', minuteMs, received: events.length }], receivedAtMs);
}
