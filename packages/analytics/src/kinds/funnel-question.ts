import Type, { type Static } from 'typebox';
import { durationMs } from '../duration.ts';
import { QuestionError } from '../problem.ts';
import { BREAKDOWN, COMMON, Duration, EventNames, PropertyName, Where } from '../schema.ts';

const MAX_STEPS = 20;

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    steps: Type.Array(
      Type.Object({ event: Type.Optional(EventNames), where: Type.Optional(Where), label: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) }, { additionalProperties: false }),
      { minItems: 1, maxItems: MAX_STEPS, description: `1 to ${MAX_STEPS} steps` },
    ),
    window: Type.Optional(Duration),
    order: Type.Optional(Type.Enum(['ordered', 'strict', 'any'], { description: 'one of ordered, strict, any' })),
    exclude: Type.Optional(
      Type.Array(
        Type.Object(
          { event: EventNames, where: Type.Optional(Where), after: Type.Optional(Type.Integer({ minimum: 1 })), before: Type.Optional(Type.Integer({ minimum: 2 })) },
          { additionalProperties: false },
        ),
        { maxItems: 10 },
      ),
    ),
    hold: Type.Optional(Type.Array(PropertyName, { maxItems: 3, uniqueItems: true, description: 'up to 3 properties' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** Ms of the window. Throws a QuestionError. */
export function windowOf({ window = '30d' }: Question): number {
  const ms = durationMs(window);
  if (ms === undefined) throw new QuestionError({ code: 'invalid_value', field: 'window', value: window, rule: '1s to 366d', detail: 'window must be a duration from 1s to 366d.' });
  return ms;
}
