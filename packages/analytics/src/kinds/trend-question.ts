import Type, { type Static } from 'typebox';
import { GRANULARITIES } from '../buckets.ts';
import { Measure } from '../measure.ts';
import { BREAKDOWN, COMMON, Duration, EventNames, Where } from '../schema.ts';

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    series: Type.Array(
      Type.Object(
        { event: Type.Optional(EventNames), measure: Type.Optional(Measure), where: Type.Optional(Where), label: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })) },
        { additionalProperties: false },
      ),
      { minItems: 1, maxItems: 26, description: '1 to 26 series' },
    ),
    granularity: Type.Optional(Type.Enum([...GRANULARITIES], { description: `one of ${GRANULARITIES.join(', ')}` })),
    compare: Type.Optional(Type.Union([Type.Literal('previous'), Duration], { description: '"previous", or a duration such as 7d' })),
    rollups: Type.Optional(Type.Boolean({ description: 'false = count the events themselves; the answer is the same' })),
    formula: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'a formula such as A/B' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;
