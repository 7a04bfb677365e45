/** A cohort that keeps its people as of when it is saved (rule C6). */
import Type, { type Static } from 'typebox';
import { Question } from '../kinds/cohort/question.ts';
import { BREAKDOWN, COMMON } from '../question/schema.ts';

const MAX_LISTED = 100_000;

const Mode = Type.Literal('static', { description: 'static: the people are those as of saving' });
/** What is asked when the cohort is asked for by its name. */
const ASKED = { ...BREAKDOWN, timezone: COMMON.timezone, includeBots: COMMON.includeBots };

const OfConditions = Type.Object({ ...Question.properties, mode: Mode }, { additionalProperties: false });
const OfIds = Type.Object(
  {
    mode: Mode,
    people: Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: MAX_LISTED, description: `a list of 1 to ${MAX_LISTED} ids, each of 1 to 256 characters` }),
    ...ASKED,
  },
  { additionalProperties: false },
);
const OfCell = Type.Object(
  {
    mode: Mode,
    behind: Type.Object(
      { kind: Type.String(), question: Type.Object({}, { additionalProperties: true }), cell: Type.Object({}, { additionalProperties: true }) },
      { additionalProperties: false, description: 'a number of an answer: the kind, the question, and the cell' },
    ),
    ...ASKED,
  },
  { additionalProperties: false },
);

export const StaticCohort = Type.Union([OfConditions, OfIds, OfCell]);
export type StaticCohort = Static<typeof StaticCohort>;

/** As it is kept and shown: of a list of ids, which are members, nothing but that it was one. */
export const KeptCohort = Type.Union([
  OfConditions,
  Type.Object({ ...OfIds.properties, people: Type.Array(Type.String(), { maxItems: 0, description: 'empty: the ids are members of the cohort' }) }, { additionalProperties: false }),
  OfCell,
]);

export function isStatic(question: unknown): question is { mode: 'static' } {
  return typeof question === 'object' && question !== null && 'mode' in question && question.mode === 'static';
}

/** The one of the three shapes that its fields are of: errors then name what is wrong in it. */
export function shapeOf(question: object): typeof OfConditions | typeof OfIds | typeof OfCell {
  return 'people' in question ? OfIds : 'behind' in question ? OfCell : OfConditions;
}

/** The question that is asked by the name of a static cohort: of the people who are in it. */
export function askedOfStatic(name: string, { breakdown, limit, timezone, includeBots }: Pick<StaticCohort, 'breakdown' | 'limit' | 'timezone' | 'includeBots'>): Question {
  const asked = { all: [{ property: 'cohort', op: 'in' as const, value: [name] }], breakdown, limit, timezone, includeBots };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as Question;
}
