import Type, { type Static } from 'typebox';
import { durationMs } from '../../time/duration.ts';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, Condition, Duration, EventNames, EventSelector, Where } from '../../question/schema.ts';

/** Any event, as the name of one. */
export const ANY_EVENT = '*';
/** Within which a sequence is done. */
export const DEFAULT_WINDOW = '30d';
const MAX_CONDITIONS = 20;
const MAX_STEPS = 20;
const MAX_TIMES = 1_000_000_000;

const Times = Type.Integer({ minimum: 0, maximum: MAX_TIMES, description: `a whole number from 0 to ${MAX_TIMES}` });
const Did = Type.Object(
  { did: EventNames, where: Type.Optional(Where), atLeast: Type.Optional(Times), atMost: Type.Optional(Times), within: Type.Optional(Duration) },
  { additionalProperties: false },
);
const DidNot = Type.Object({ didNot: EventNames, where: Type.Optional(Where), within: Type.Optional(Duration) }, { additionalProperties: false });
const Sequence = Type.Object(
  { sequence: Type.Array(EventSelector, { minItems: 2, maxItems: MAX_STEPS, description: `2 to ${MAX_STEPS} steps` }), window: Type.Optional(Duration) },
  { additionalProperties: false },
);
const description = 'a condition on a property of the person, {"did": …}, {"didNot": …} or {"sequence": […]}';
const One = Type.Union([Condition, Did, DidNot, Sequence], { description });
const list = { minItems: 1, maxItems: MAX_CONDITIONS };
const Any = Type.Object({ any: Type.Array(One, { ...list, description: `1 to ${MAX_CONDITIONS} conditions` }) }, { additionalProperties: false });
const All = Type.Array(Type.Union([Condition, Did, DidNot, Sequence, Any], { description: `${description}, or {"any": […]}` }), {
  ...list, description: `1 to ${MAX_CONDITIONS} conditions`,
});

const Mode = Type.Enum(['live'], { description: 'live, when sent: a static cohort is saved, with PUT /api/questions/cohort/{name}, and asked for by its name' });

export const Question = Type.Object({ ...COMMON, ...BREAKDOWN, all: All, mode: Type.Optional(Mode) }, { additionalProperties: false });
export type Question = Static<typeof Question>;
export type One = Static<typeof One>;
export type Counted = Static<typeof Did> | Static<typeof DidNot>;
export type Sequence = Static<typeof Sequence>;

/** How often an event must have been done (rules C2, C3), both ends included. Throws a QuestionError. */
export function timesOf(condition: Counted, field: string): { atLeast: number; atMost?: number } {
  if ('didNot' in condition) return { atLeast: 0, atMost: 0 };
  const { atLeast = 1, atMost } = condition;
  if (atLeast === 0 && atMost === undefined) {
    throw new QuestionError({ code: 'missing_field', field: `${field}.atMost`, rule: 'required beside atLeast 0', detail: `${field}.atMost is missing: at least 0 times is done by everybody.` });
  }
  if (atMost === undefined) return { atLeast };
  if (atMost >= atLeast) return { atLeast, atMost };
  throw new QuestionError({ code: 'invalid_value', field: `${field}.atMost`, value: atMost, rule: 'not less than atLeast (1 when absent)', detail: `${field}.atMost must not be less than atLeast.` });
}

/** Ms of a duration. Throws a QuestionError. */
export function lengthOf(text: string, field: string): number {
  const ms = durationMs(text);
  if (ms !== undefined) return ms;
  throw new QuestionError({ code: 'invalid_value', field, value: text, rule: '1s to 366d', detail: `${field} must be a duration from 1s to 366d.` });
}

/** Whether nobody is a member who has not done what some condition counts. */
export function isAmongDoers({ all }: Question): boolean {
  return all.some((item) => 'did' in item && item.atLeast !== 0);
}
