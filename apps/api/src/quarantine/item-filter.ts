/** Which quarantined events a request is about: the same for the list and for a replay. */
import { readTime, zoneOf } from '@tidemark/analytics';
import type { ItemFilter } from '@tidemark/warehouse';
import { Type } from 'typebox';
import type { Static } from 'typebox';

export const ItemFilterShape = Type.Object({
  code: Type.Optional(Type.String({ description: 'Only events whose first reason is this.' })),
  source: Type.Optional(Type.String()),
  eventId: Type.Optional(Type.String()),
  eventName: Type.Optional(Type.String()),
  appVersion: Type.Optional(Type.String({ description: '`context.appVersion`, or `context.app.version`.' })),
  from: Type.Optional(Type.String({ description: 'By receivedAt: RFC 3339, a date, -1h, today, …' })),
  to: Type.Optional(Type.String({ description: 'As from; exclusive.' })),
});
type Given = Static<typeof ItemFilterShape>;

/** Throws the problem of a time that can't be read. */
export function itemFilterOf({ code, source, eventId, eventName, appVersion, from, to }: Given, project: string, nowMs: number): ItemFilter {
  const utc = zoneOf('UTC');
  const fromMs = from === undefined ? undefined : readTime(from, 'from', utc, nowMs);
  const toMs = to === undefined ? undefined : readTime(to, 'to', utc, nowMs);
  return { project, code, source, eventId, eventName, appVersion, fromMs, toMs };
}
