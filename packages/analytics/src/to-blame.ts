import { WarehouseError } from '@tidemark/warehouse';
import { isNoPattern, noPattern } from './patterns.ts';
import { QuestionError } from './problem.ts';

/** ClickHouse's errors that the question is to blame for, as QuestionErrors that name what to ask less of; others as they are. */
export function asProblem(error: unknown, question: Readonly<Record<string, unknown>>): unknown {
  if (isNoPattern(error)) return noPattern();
  if (!(error instanceof WarehouseError)) return error;
  // 241 MEMORY_LIMIT_EXCEEDED, 159 TIMEOUT_EXCEEDED
  if (error.number === 241 || error.number === 159) {
    const what = error.number === 241 ? 'memory' : 'time';
    const groups = what === 'memory' && Array.isArray(question['breakdown']) && question['breakdown'].length > 0;
    return new QuestionError({ code: 'question_too_expensive', field: groups ? 'breakdown' : rangeOf(question), rule: `within the ${what} that a question may take`, detail: `The question took more ${what} than one may; ask for a shorter range or fewer groups.` });
  }
  // 395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: by this, statements refuse persons with more events than can be put in order.
  if (error.number === 395) {
    return new QuestionError({ code: 'question_too_expensive', field: rangeOf(question), rule: 'so many events of one person as can be put in order', detail: 'One person has too many events for this question; ask for a shorter range, or leave this person out.' });
  }
  return error;
}

/** The list of values, or whatever else of a question takes most room. */
export function largestField(question: Readonly<Record<string, unknown>>): string {
  let largest = { field: '', length: 0 };
  for (const [field, value] of Object.entries(question)) {
    const { length } = JSON.stringify(value) ?? '';
    if (length > largest.length) largest = { field, length };
  }
  return largest.field;
}

function rangeOf(question: Readonly<Record<string, unknown>>): string {
  return ['from', 'range'].find((field) => field in question) ?? '';
}
