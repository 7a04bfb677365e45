/** Parts that several routes' schemas share. */
import { Type } from 'typebox';

export const Time = Type.String({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds.' });
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
export function streamed(description: string, ...mediaTypes: string[]): object {
  const content = Object.fromEntries(mediaTypes.map((type) => [type, { schema: { type: 'string', description } }]));
  return { description, content };
}
