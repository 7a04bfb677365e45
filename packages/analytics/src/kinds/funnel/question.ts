import Type, { type Static } from 'typebox';
import { GRANULARITIES } from '../../time/buckets.ts';
import { BREAKDOWN, COMMON, Duration, EventSelector, PropertyName } from '../../question/schema.ts';

const MAX_STEPS = 20;
const MAX_EXCLUSIONS = 10;
const MAX_BINS = 60;
const MAX_NEXT = 100;

const StepNumber = Type.Integer({ minimum: 1, maximum: MAX_STEPS, description: 'number of a step, from 1' });

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    steps: Type.Array(
      Type.Object(
        { ...EventSelector.properties, optional: Type.Optional(Type.Boolean({ description: 'true = not needed to go on' })) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: MAX_STEPS, description: `1 to ${MAX_STEPS} steps` },
    ),
    window: Type.Optional(Duration),
    order: Type.Optional(Type.Enum(['ordered', 'strict', 'any'], { description: 'one of ordered, strict, any' })),
    exclude: Type.Optional(
      Type.Array(
        Type.Object(
          { ...EventSelector.properties, after: Type.Optional(StepNumber), before: Type.Optional(StepNumber) },
          { additionalProperties: false },
        ),
        { maxItems: MAX_EXCLUSIONS, description: `up to ${MAX_EXCLUSIONS} events that must not come between two steps` },
      ),
    ),
    hold: Type.Optional(Type.Array(PropertyName, { maxItems: 3, uniqueItems: true, description: 'up to 3 properties' })),
    breakdownFrom: Type.Optional(
      Type.Union([Type.Enum(['start', 'first_touch', 'last_touch']), Type.Object({ step: StepNumber }, { additionalProperties: false })], {
        description: 'start, first_touch, last_touch or {"step": number}',
      }),
    ),
    histogram: Type.Optional(
      Type.Object(
        { from: Type.Optional(StepNumber), to: Type.Optional(StepNumber), bins: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_BINS, description: `1 to ${MAX_BINS} bins` })) },
        { additionalProperties: false, description: 'counts people by the time from one step to another' },
      ),
    ),
    granularity: Type.Optional(Type.Enum([...GRANULARITIES], { description: `one of ${GRANULARITIES.join(', ')}: conversion over time` })),
    next: Type.Optional(
      Type.Object(
        {
          step: StepNumber,
          outcome: Type.Optional(Type.Enum(['reached', 'dropped'], { description: 'reached or dropped' })),
          limit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_NEXT, description: `events to show, 1 to ${MAX_NEXT}; default 10` })),
        },
        { additionalProperties: false, description: 'what people did next, who came to a step or dropped before it' },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;
export type AskedStep = Question['steps'][number];
