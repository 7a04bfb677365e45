/** What a question about paths asks for, checked: from, to or between which events, and which nodes (rules H1 to H8). */
import Type, { type Static } from 'typebox';
import { askedMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, Duration, EventName, EventSelector, PropertyName } from '../../question/schema.ts';

const MAX_STEPS = 20;
const MAX_NODES = 100;
const MAX_HIDDEN = 100;
const MAX_RULES = 50;

const Rule = Type.Object(
  {
    pattern: Type.String({ maxLength: 10_000, description: 'a regular expression in RE2 syntax' }),
    name: Type.String({ minLength: 1, maxLength: 200, description: 'a name of 1 to 200 characters' }),
  },
  { additionalProperties: false },
);

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    after: Type.Optional(EventSelector),
    before: Type.Optional(EventSelector),
    between: Type.Optional(Type.Array(EventSelector, { minItems: 2, maxItems: 2, description: 'two anchors: what paths begin with and what they end with' })),
    window: Type.Optional(Duration),
    steps: Type.Optional(Type.Integer({ minimum: 2, maximum: MAX_STEPS, description: `nodes of a path that are shown, 2 to ${MAX_STEPS}; default 5` })),
    nodeLimit: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_NODES, description: `nodes to show at a step, 1 to ${MAX_NODES}; default 10` })),
    by: Type.Optional(PropertyName),
    hide: Type.Optional(Type.Array(EventName, { maxItems: MAX_HIDDEN, description: `up to ${MAX_HIDDEN} names of events, or values of by, that are left out` })),
    group: Type.Optional(Type.Array(Rule, { maxItems: MAX_RULES, description: `up to ${MAX_RULES} rules {"pattern", "name"}; the first that is found in a node renames it` })),
    collapse: Type.Optional(Type.Boolean({ description: 'false = the same node again stands for itself; default true' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

const WAYS = ['after', 'before', 'between'] as const;

export interface PathsPlan {
  way: (typeof WAYS)[number];
  /** One, or the two that paths lie between, with their names in the question. */
  anchors: readonly { selector: Static<typeof EventSelector>; field: string }[];
  windowMs: number;
  steps: number;
  nodeLimit: number;
}

/** Throws a QuestionError. */
export function planOf(question: Question): PathsPlan {
  const [way, second] = WAYS.filter((name) => question[name] !== undefined);
  if (way === undefined) throw new QuestionError({ code: 'missing_field', field: 'after', rule: `one of ${WAYS.join(', ')}`, detail: 'Which paths? Give after, before or between.' });
  if (second !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: second, value: question[second], rule: `one of ${WAYS.join(', ')}`, detail: `Paths have one anchor or lie between two: give ${way} or ${second}.` });
  }
  const { window = '1d', steps = 5, nodeLimit = 10, between } = question;
  const anchors = between === undefined ? [{ selector: question[way as 'after'] ?? {}, field: way }] : between.map((selector, i) => ({ selector, field: `between[${i}]` }));
  return { way, anchors, windowMs: askedMs(window, 'window'), steps, nodeLimit };
}
