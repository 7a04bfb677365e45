/** Valves as they come and go over HTTP. */
import type { Valve } from '@tidemark/control';
import { parseTimestamp } from '@tidemark/event';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Problem } from '../problem.ts';
import { Count, Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';
import type { Stopped } from './stopped.ts';

const Match = (what: string) => Type.String({ minLength: 1, maxLength: 300, description: `${what}, as exact text.` });

const Action = Type.Unsafe<'quarantine' | 'drop'>({
  type: 'string',
  enum: ['quarantine', 'drop'],
  description: '`quarantine`: kept with their bytes. `drop`: counted as rejected, not kept.',
});

const changes = {
  ratio: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'Share of the matching events, chosen by their ids. 1 when made without.' }),
  ),
  reason: Type.Optional(Type.String({ maxLength: 500, description: 'For people; senders are not told.' })),
  expiresAt: Type.Optional(
    Type.Unsafe<string | null>({
      type: ['string', 'null'],
      format: 'date-time',
      description: 'From then on it stops nothing; null = until it is removed.',
    }),
  ),
  forMinutes: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 525_600, description: 'In place of expiresAt: so long from now.' }),
  ),
};

export const NewValveShape = Type.Object(
  {
    appVersion: Type.Optional(Match('`context.appVersion`, else `context.app.version`')),
    eventName: Type.Optional(Match('The name')),
    source: Type.Optional(Match('Id of the source')),
    action: Action,
    ...changes,
  },
  { additionalProperties: false, description: 'At least one of appVersion, eventName and source; an event must fit all that are given.' },
);

export const ValveChangesShape = Type.Object(
  { action: Type.Optional(Action), ...changes },
  { additionalProperties: false, minProperties: 1, description: 'What is not given stays, and what the valve matches always does.' },
);

const OrNull = (format?: string) => Type.Unsafe<string | null>({ type: ['string', 'null'], ...(format ? { format } : {}) });

const StoppedShape = Type.Object({ events: Count, quarantined: Count, dropped: Count, lastMinute: OrNull('date-time') });

export const ValveShape = Type.Object({
  id: Type.String(),
  appVersion: OrNull(),
  eventName: OrNull(),
  source: OrNull(),
  action: Action,
  ratio: Type.Number(),
  reason: Type.String(),
  createdAt: Time,
  createdBy: Type.String({ description: 'Id of the API token that made it.' }),
  expiresAt: OrNull('date-time'),
  active: Type.Boolean({ description: 'False when it has expired.' }),
  stopped: Type.Unsafe<Static<typeof StoppedShape> | null>({
    anyOf: [StoppedShape, { type: 'null' }],
    description: 'Events that it has stopped, as far as they are committed; null while the warehouse does not answer.',
  }),
});

/** `stopped`: undefined = not known. */
export function toValve(valve: Valve, stopped: Stopped | undefined, nowMs: number): Static<typeof ValveShape> {
  const { createdAtMs, expiresAtMs, ...same } = valve;
  return {
    ...same,
    createdAt: toRfc3339(createdAtMs),
    expiresAt: expiresAtMs === null ? null : toRfc3339(expiresAtMs),
    active: expiresAtMs === null || expiresAtMs > nowMs,
    stopped: stopped === undefined ? null : { events: stopped.quarantined + stopped.dropped, ...stopped },
  };
}

/**
 * When the valve is to expire, if the body says so.
 * @throws Problem `illegal_valve` when both ways of saying it are used, `invalid_time` for a time that is none
 */
export function expiryOf(
  expiresAt: string | null | undefined,
  forMinutes: number | undefined,
  nowMs: number,
): { expiresAtMs?: number | null } {
  if (expiresAt !== undefined && forMinutes !== undefined)
    throw new Problem('illegal_valve', 'Say either expiresAt or forMinutes, not both.');
  if (forMinutes !== undefined) return { expiresAtMs: Math.ceil(nowMs + forMinutes * 60_000) };
  if (expiresAt === undefined) return {};
  if (expiresAt === null) return { expiresAtMs: null };
  const expiresAtMs = parseTimestamp(expiresAt);
  if (!Number.isNaN(expiresAtMs)) return { expiresAtMs };
  const detail = '`expiresAt` must be RFC 3339 with a zone, such as 2026-05-03T10:00:00Z.';
  throw new Problem('invalid_time', detail, {
    faults: [{ field: 'expiresAt', code: 'invalid_time', value: expiresAt, detail }],
  });
}
