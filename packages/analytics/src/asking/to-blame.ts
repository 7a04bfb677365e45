import { impossibleBlock, isEngineFull, WarehouseError } from '@tidemark/warehouse';
import { isNoPattern, noPattern } from '../events/patterns.ts';
import { QuestionError } from '../question/problem.ts';

/** ClickHouse's errors that the question is to blame for, as QuestionErrors that name what to ask less of; others as they are. */
export function asProblem(error: unknown, question: Readonly<Record<string, unknown>>): unknown {
  if (isNoPattern(error)) return noPattern();
  if (!(error instanceof WarehouseError) || impossibleBlock(error) !== undefined) return error;
  // 241 MEMORY_LIMIT_EXCEEDED, 159 TIMEOUT_EXCEEDED
  if (error.number === 241 || error.number === 159) {
    const isTime = error.number === 159;
    const field = !isTime && hasGroups(question) ? 'breakdown' : rangeOf(question);
    if (isEngineFull(error)) {
      const rule = 'within the memory that the engine has';
      return new QuestionError({ code: 'question_too_expensive', field, rule, detail: 'The question, with what ran beside it, took more memory than there is; ask for a shorter range or fewer groups, or again in a moment.' });
    }
    const what = isTime ? 'time' : 'memory';
    return new QuestionError({ code: 'question_too_expensive', field, rule: `within the ${what} that a question may take`, detail: `The question took more ${what} than one may; ask for a shorter range or fewer groups.` });
  }
  // 395 FUNCTION_THROW_IF_VALUE_IS_NON_ZERO: by this, statements refuse persons with more events than can be put in order.
  if (error.number === 395) {
    return new QuestionError({ code: 'question_too_expensive', field: rangeOf(question), rule: 'so many events of one person as can be put in order', detail: 'One person has too many events for this question; ask for a shorter range, or leave this person out.' });
  }
  return error;
}

/** Path of the list of values, or of what else of a question takes most room. */
export function largestField(question: Readonly<Record<string, unknown>>): string {
  let [path, at]: [string, unknown] = ['', question];
  for (;;) {
    const below = partsOf(at).toSorted(([, a], [, b]) => lengthOf(b) - lengthOf(a))[0];
    if (below === undefined) return path;
    path = typeof below[0] === 'number' ? `${path}[${below[0]}]` : `${path}${path === '' ? '' : '.'}${below[0]}`;
    at = below[1];
  }
}

/** Those of an object, or of a list of objects; a list of values is one. */
function partsOf(value: unknown): [key: string | number, part: unknown][] {
  if (Array.isArray(value)) return value.some((each) => typeof each === 'object') ? value.map((part, i) => [i, part]) : [];
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function lengthOf(value: unknown): number {
  return (JSON.stringify(value) ?? '').length;
}

function hasGroups({ breakdown }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(breakdown) && breakdown.length > 0;
}

/** Where neither was sent it is the last 30 days, which `from` changes. */
function rangeOf(question: Readonly<Record<string, unknown>>): string {
  return 'range' in question ? 'range' : 'from';
}
