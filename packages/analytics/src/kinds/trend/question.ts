import Type, { type Static } from 'typebox';
import { GRANULARITIES } from '../../time/buckets.ts';
import { Measure } from '../../measures/measure.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, Duration, EventNames, Where } from '../../question/schema.ts';

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
    cumulative: Type.Optional(Type.Boolean({ description: 'true = each point is of everything up to the end of its bucket' })),
    rolling: Type.Optional(Type.Integer({ minimum: 2, maximum: 366, description: 'buckets of which each point is the mean, 2 to 366' })),
    stickiness: Type.Optional(Type.Enum(['week', 'month'], { description: 'week or month: on how many of its days people did it' })),
    compare: Type.Optional(Type.Union([Type.Literal('previous'), Duration], { description: '"previous", or a duration such as 7d' })),
    rollups: Type.Optional(Type.Boolean({ description: 'false = count the events themselves; the answer is the same' })),
    formula: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'a formula such as A/B' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** Throws a QuestionError for parts that don't go together (rules T12, T13). */
export function refuseCombinations({ series, formula, cumulative, rolling, stickiness }: Question): void {
  if (rolling !== undefined && cumulative === true) {
    throw refused('rolling', rolling, 'rolling or cumulative', 'Points are either cumulative or a rolling average; leave out one of them.');
  }
  if (stickiness === undefined) return;
  if (formula !== undefined) throw refused('stickiness', stickiness, 'without a formula', 'A formula has no people whose days could be counted; leave out stickiness or the formula.');
  if (series.some(({ measure }) => measure !== 'users')) {
    throw refused('stickiness', stickiness, 'every series measures users', 'Stickiness counts the days of people: set the measure of every series to users.');
  }
}

function refused(field: string, value: unknown, rule: string, detail: string): QuestionError {
  return new QuestionError({ code: 'unsupported_combination', field, value, rule, detail });
}
