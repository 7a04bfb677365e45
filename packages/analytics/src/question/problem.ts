/** One thing that is wrong with a question, in words that say what to do. */
export interface Problem {
  /** Stable, snake_case. */
  code: ProblemCode;
  /** Path of the field at fault within the question, as `series[0].where[1].op`; `''` is the question itself. */
  field: string;
  /** What was found there, if it was sent. */
  value?: unknown;
  /** The rule that it breaks. */
  rule: string;
  detail: string;
}

/** Every way in which a question can be refused; docs/questions.md has a line for each. */
export const PROBLEM_CODES = [
  'unknown_kind',
  'missing_field',
  'unknown_field',
  'invalid_type',
  'invalid_value',
  'unknown_property',
  'unknown_timezone',
  'invalid_time',
  'empty_range',
  'range_too_long',
  'too_many_points',
  'too_many_variants',
  'invalid_pattern',
  'invalid_formula',
  'invalid_cursor',
  'unsupported_combination',
  'unknown_cohort',
  'cohort_cycle',
  'cohort_too_large',
  'question_too_large',
  'question_too_expensive',
  'sql_invalid',
  'sql_not_allowed',
  'sql_unknown_parameter',
  'sql_reads_too_much',
  'sql_result_too_large',
  'sql_timeout',
  'sql_out_of_memory',
  'sql_cancelled',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

/** A question that can't be answered as it stands. Nothing was asked of the warehouse, or nothing came of it. */
export class QuestionError extends Error {
  readonly problems: readonly [Problem, ...Problem[]];

  constructor(first: Problem, ...more: Problem[]) {
    super(first.detail);
    this.name = 'QuestionError';
    this.problems = [first, ...more];
  }
}
