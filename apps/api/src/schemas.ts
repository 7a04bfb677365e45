/** Parts that several routes' schemas share. */
import { Type } from 'typebox';

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds.' });
export const CompletenessShape = Type.Object(
  { asOf: Time, completeThrough: Time, provisionalFrom: Type.Union([Time, Type.Null()]) },
  { description: 'As of questions: every event acknowledged up to asOf is in; event times before completeThrough are complete; from provisionalFrom on, others may come.' },
);
export const Count = Type.Integer({ minimum: 0 });

export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained.' }),
    title: Type.String(),
    status: Type.Integer(),
    code: Type.String({ description: 'Stable: programs may rely on it.' }),
    detail: Type.String({ description: 'What to do, in a sentence.' }),
    documentation: Type.String(),
    field: Type.Optional(Type.String({ description: 'The first field at fault.' })),
    value: Type.Optional(Type.Unknown()),
    rule: Type.Optional(Type.String()),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          field: Type.String(),
          code: Type.String(),
          value: Type.Optional(Type.Unknown()),
          rule: Type.Optional(Type.String()),
          detail: Type.String(),
        }),
      ),
    ),
  },
  { description: 'RFC 9457 problem document.' },
);

/** Answers as other media types than JSON, described by a sentence. */
export function streamed(description: string, ...mediaTypes: string[]): { description: string; content: Record<string, object> } {
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string', description } }]));
  return { description, content };
}

export const NextCursor = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'For the next page; null on the last one.',
});

const Open = Type.Object({}, { additionalProperties: true });

export const SessionPlace = Type.Object(
  { id: Type.String({ description: 'eventId of its first event' }), start: Time },
  { description: 'The session that the event belongs to, once it is stored (rules S1 to S3).' },
);

/** An event as it leaves the system. Ids that it came without are absent. */
export const OutputEventShape = Type.Object({
  eventId: Type.String(),
  eventName: Type.String(),
  type: Type.String(),
  userId: Type.Optional(Type.String()),
  anonymousId: Type.Optional(Type.String()),
  sessionId: Type.Optional(Type.String()),
  groupId: Type.Optional(Type.String()),
  previousId: Type.Optional(Type.String()),
  personId: Type.String(),
  session: Type.Optional(SessionPlace),
  timestamp: Type.String({ format: 'date-time', description: 'Corrected event time.' }),
  originalTimestamp: Time,
  receivedAt: Time,
  sequence: Type.Optional(Type.Integer()),
  schemaVersion: Type.Optional(Type.String()),
  source: Type.String(),
  bot: Type.Boolean(),
  properties: Open,
  context: Open,
  traits: Type.Optional(Open),
});

/** Where an event stands in the log. */
export const Position = Type.Object({ epoch: Type.String(), partition: Count, offset: Count });
