import Type, { type Static } from 'typebox';
import { durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, Duration, EventSelector, PropertyName } from '../../question/schema.ts';

export const MAX_VARIANTS = 10;
const MAX_METRICS = 20;
const DEFAULT_EFFECT = 0.05;

const ROLES = ['primary', 'secondary', 'guardrail'] as const;
export type Role = (typeof ROLES)[number];

const VariantName = Type.String({ maxLength: 200, description: 'the text of a variant' });

const Metric = Type.Object(
  {
    ...EventSelector.properties,
    measure: Type.Optional(
      Type.Union([Type.Enum(['conversion', 'events']), Type.Object({ sum: PropertyName }, { additionalProperties: false })], {
        description: 'conversion (default), events, or a sum, as {"sum": "properties.price"}',
      }),
    ),
    role: Type.Optional(Type.Enum([...ROLES], { description: `one of ${ROLES.join(', ')}` })),
    better: Type.Optional(Type.Enum(['higher', 'lower'], { description: 'higher (default) or lower' })),
  },
  { additionalProperties: false },
);
type Metric = Static<typeof Metric>;

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    exposure: EventSelector,
    variant: Type.Optional(PropertyName),
    control: Type.Optional(VariantName),
    split: Type.Optional(
      Type.Object({}, {
        additionalProperties: Type.Number({ minimum: 0, maximum: 1, description: 'a share from 0 to 1' }),
        minProperties: 1, maxProperties: MAX_VARIANTS, description: 'the share of each variant, as {"control": 0.5, "b": 0.5}',
      }),
    ),
    window: Type.Optional(Duration),
    metrics: Type.Array(Metric, { minItems: 1, maxItems: MAX_METRICS, description: `1 to ${MAX_METRICS} metrics` }),
    minimumEffect: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 100, description: `a relative change above 0, up to 100; default ${DEFAULT_EFFECT}` })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** How long after the exposure counts; undefined = up to the end of the range. Throws a QuestionError. */
export function windowMsOf({ window }: Question): number | undefined {
  if (window === undefined) return undefined;
  const ms = durationMs(window);
  if (ms !== undefined) return ms;
  throw new QuestionError({ code: 'invalid_value', field: 'window', value: window, rule: '1s to 366d', detail: 'window must be a duration from 1s to 366d.' });
}

/** What is added up of a person's events; undefined = whether there is one (a conversion). */
export function valueOf({ measure = 'conversion' }: Metric): 'events' | { sum: string } | undefined {
  return measure === 'conversion' ? undefined : measure;
}

/** The role of each metric (rule X4): there is one primary, unless all are guardrails. Throws a QuestionError where two are to be. */
export function rolesOf({ metrics }: Question): Role[] {
  const [named, second] = [...metrics.keys()].filter((i) => metrics[i]?.role === 'primary');
  if (second !== undefined) {
    throw new QuestionError({
      code: 'invalid_value', field: `metrics[${second}].role`, value: 'primary', rule: 'at most one metric is the primary',
      detail: `The headline is of one metric, and metrics[${named}] is the primary already: make metrics[${second}] secondary, or ask about it by itself.`,
    });
  }
  const primary = named ?? metrics.findIndex(({ role }) => role !== 'guardrail');
  return metrics.map(({ role }, i) => (i === primary ? 'primary' : role === 'guardrail' ? 'guardrail' : 'secondary'));
}

export function effectOf({ minimumEffect = DEFAULT_EFFECT }: Question): number {
  return minimumEffect;
}

/** The shares that were meant, by variant; undefined = equal parts. Throws a QuestionError. */
export function splitOf({ split }: Question): Map<string, number> | undefined {
  if (split === undefined) return undefined;
  const shares = new Map(Object.entries(split as Record<string, number>));
  const sum = [...shares.values()].reduce((total, share) => total + share, 0);
  if (Math.abs(sum - 1) < 1e-6) return shares;
  throw new QuestionError({ code: 'invalid_value', field: 'split', value: split, rule: 'shares that add up to 1', detail: 'The shares of split must add up to 1.' });
}
