import Type, { type Static } from 'typebox';
import { ChannelRules } from '../../events/channels.ts';
import { durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, Duration, EventSelector, PropertyName } from '../../question/schema.ts';

export const MODELS = ['first_touch', 'last_touch', 'last_non_direct', 'linear', 'position_based', 'time_decay'] as const;
export type Model = (typeof MODELS)[number];

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    breakdown: Type.Optional(Type.Array(PropertyName, { maxItems: 3, uniqueItems: true, description: 'up to 3: channel (the default) or properties' })),
    conversion: Type.Object({ ...EventSelector.properties, value: Type.Optional(PropertyName) }, { additionalProperties: false }),
    touch: Type.Optional(EventSelector),
    models: Type.Optional(
      Type.Array(Type.Enum([...MODELS], { description: `one of ${MODELS.join(', ')}` }), { minItems: 1, maxItems: MODELS.length, uniqueItems: true, description: 'models, each once; default all' }),
    ),
    lookback: Type.Optional(Duration),
    halfLife: Type.Optional(Duration),
    channels: Type.Optional(ChannelRules),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** Ms of a duration of the question. Throws a QuestionError. */
export function msOf(question: Question, field: 'lookback' | 'halfLife'): number {
  const text = question[field] ?? { lookback: '30d', halfLife: '7d' }[field];
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new QuestionError({ code: 'invalid_value', field, value: text, rule: '1s to 366d', detail: `${field} must be a duration from 1s to 366d.` });
}
