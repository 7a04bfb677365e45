/** What administration answers with. Secrets stand only in the answer that made them. */
import type { ApiToken, Project, Source, WriteKey } from '@tidemark/control';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Time } from '../schemas.ts';
import { toRfc3339 } from '../times.ts';

export const Name = Type.String({ minLength: 1, maxLength: 100, description: 'As shown to people.' });

export const ProjectShape = Type.Object({ id: Type.String(), name: Name, createdAt: Time });

export const SourceShape = Type.Object({
  id: Type.String({ description: 'Stands on each event as `source`.' }),
  name: Name,
  createdAt: Time,
});

/** A rate per second: over it the collector answers 429. null = no limit. */
const Rate = (what: string) =>
  Type.Unsafe<number | null>({
    type: ['number', 'null'],
    exclusiveMinimum: 0,
    maximum: 1e12,
    description: `${what} a second, on average; null = no limit.`,
  });

export const Limits = Type.Object(
  { eventsPerSecond: Type.Optional(Rate('Events')), bytesPerSecond: Type.Optional(Rate('Bytes of bodies')) },
  { additionalProperties: false, description: 'Limits that are not given stay as they are.' },
);

export const WriteKeyShape = Type.Object({
  key: Type.String({ description: 'Public by nature: it only lets events in.' }),
  source: Type.String(),
  limits: Type.Required(Limits),
  createdAt: Time,
});

export const ApiTokenShape = Type.Object({
  id: Type.String(),
  name: Name,
  prefix: Type.String({ description: 'The first characters of the token, to tell tokens apart by.' }),
  admin: Type.Boolean({ description: 'May also make projects, and list and delete them.' }),
  createdAt: Time,
  lastUsedAt: Type.Unsafe<string | null>({
    type: ['string', 'null'],
    format: 'date-time',
    description: 'To the minute.',
  }),
});

export const NewApiTokenShape = Type.Object({
  ...ApiTokenShape.properties,
  secret: Type.String({ description: 'The token itself. It is shown this once: we keep only its hash.' }),
});

export function toProject({ id, name, createdAtMs }: Project): Static<typeof ProjectShape> {
  return { id, name, createdAt: toRfc3339(createdAtMs) };
}

export function toSource({ id, name, createdAtMs }: Source): Static<typeof SourceShape> {
  return { id, name, createdAt: toRfc3339(createdAtMs) };
}

export function toWriteKey({ key, source, limits, createdAtMs }: WriteKey): Static<typeof WriteKeyShape> {
  return { key, source, limits, createdAt: toRfc3339(createdAtMs) };
}

export function toApiToken(token: ApiToken): Static<typeof ApiTokenShape> {
  const { id, name, prefix, admin, createdAtMs, lastUsedAtMs } = token;
  const lastUsedAt = lastUsedAtMs === null ? null : toRfc3339(lastUsedAtMs);
  return { id, name, prefix, admin, createdAt: toRfc3339(createdAtMs), lastUsedAt };
}

export function toNewApiToken(token: ApiToken & { secret: string }): Static<typeof NewApiTokenShape> {
  return { ...toApiToken(token), secret: token.secret };
}
