import Type, { type Static } from 'typebox';
import { QuestionError } from '../../question/problem.ts';
import { BREAKDOWN, COMMON, EventSelector } from '../../question/schema.ts';

const PERIODS = ['day', 'week', 'month'] as const;
const MAX_PERIODS = 366;
const DEFAULT_PERIODS = 8;

const count = { minimum: 1, maximum: MAX_PERIODS };

export const Question = Type.Object(
  {
    ...COMMON,
    ...BREAKDOWN,
    start: EventSelector,
    return: EventSelector,
    period: Type.Optional(Type.Enum([...PERIODS], { description: `one of ${PERIODS.join(', ')}` })),
    periods: Type.Optional(Type.Integer({ ...count, description: `columns, 1 to ${MAX_PERIODS}; default ${DEFAULT_PERIODS}` })),
    brackets: Type.Optional(
      Type.Array(Type.Integer({ ...count, description: `a whole number from 1 to ${MAX_PERIODS}` }), {
        minItems: 1, maxItems: 50, description: 'instead of periods: each number is the period before which a column ends; ascending',
      }),
    ),
    entry: Type.Optional(Type.Enum(['first_time', 'recurring'], { description: 'first_time or recurring' })),
    mode: Type.Optional(Type.Enum(['on', 'on_or_after'], { description: 'on or on_or_after' })),
  },
  { additionalProperties: false },
);
export type Question = Static<typeof Question>;

/** Periods after a cohort's own that make one column: from `first` up to before `end`. */
export interface Column {
  first: number;
  end: number;
}

/** The columns that a question asks for (rules R3, R5). Throws a QuestionError. */
export function columnsOf({ periods, brackets }: Question): Column[] {
  if (brackets === undefined) return Array.from({ length: periods ?? DEFAULT_PERIODS }, (_, i) => ({ first: i, end: i + 1 }));
  if (periods !== undefined) {
    throw new QuestionError({ code: 'unsupported_combination', field: 'brackets', value: brackets, rule: 'brackets stand in place of periods', detail: 'Give either periods or brackets.' });
  }
  const columns = brackets.map((end, i) => ({ first: brackets[i - 1] ?? 0, end }));
  if (columns.every(({ first, end }) => first < end)) return columns;
  throw new QuestionError({ code: 'invalid_value', field: 'brackets', value: brackets, rule: 'ascending', detail: 'brackets must be ascending, such as [1, 3, 7].' });
}

/** As `0` or `3-6`. */
export function columnLabel({ first, end }: Column): string {
  return end === first + 1 ? String(first) : `${first}-${end - 1}`;
}
