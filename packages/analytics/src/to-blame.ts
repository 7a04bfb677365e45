import { WarehouseError } from '@tidemark/warehouse';
import { isNoPattern, noPattern } from './patterns.ts';
import { QuestionError } from './problem.ts';

/** ClickHouse's errors that the question is to blame for, as QuestionErrors; others as they are. */
export function asProblem(error: unknown): unknown {
  if (isNoPattern(error)) return noPattern();
  if (!(error instanceof WarehouseError)) return error;
  // 241 MEMORY_LIMIT_EXCEEDED, 159 TIMEOUT_EXCEEDED
  if (error.number === 241 || error.number === 159) {
    const what = error.number === 241 ? 'memory' : 'time';
    return new QuestionError({ code: 'question_too_expensive', field: '', rule: `within the ${what} that a question may take`, detail: `The question took more ${what} than one may; ask for a shorter range or fewer groups.` });
  }
  // 395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: by this, statements refuse persons with more events than can be put in order.
  if (error.number === 395) {
    return new QuestionError({ code: 'question_too_expensive', field: '', rule: 'so many events of one person as can be put in order', detail: 'One person has too many events for this question; ask for a shorter range, or leave this person out.' });
  }
  return error;
}
