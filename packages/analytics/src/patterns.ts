import { literal, WarehouseError, type Warehouse } from '@tidemark/warehouse';
import { QuestionError } from './problem.ts';
import { MAX_PATTERN_LENGTH } from './where.ts';

/** A pattern of an op `matches`, and where in the question it stands. */
interface Pattern {
  field: string;
  text: string;
}

/** All patterns in a valid question, wherever its kind takes conditions. */
function patternsOf(question: unknown, field = ''): Pattern[] {
  if (Array.isArray(question)) return question.flatMap((item, index) => patternsOf(item, `${field}[${index}]`));
  if (typeof question !== 'object' || question === null) return [];
  const { op, value } = question as { op?: unknown; value?: unknown };
  if (op === 'matches' && typeof value === 'string') return [{ field: `${field}.value`, text: value }];
  return Object.entries(question).flatMap(([name, item]) => patternsOf(item, field === '' ? name : `${field}.${name}`));
}

/** SQL that fails where a pattern is none: ClickHouse compiles a pattern only when there is a row to match it with. */
function patternsSql(patterns: readonly Pattern[]): string {
  return `SELECT ${patterns.map(({ text }, index) => `match('', ${literal(text)}) AS p${index}`).join(', ')}`;
}

/** Throws a QuestionError where a pattern of a valid question is none, and what the warehouse throws. */
export async function judgePatterns(question: unknown, warehouse: Pick<Warehouse, 'query'>): Promise<void> {
  // Too long ones and those with NUL are refused when the question is compiled.
  const patterns = patternsOf(question).filter(({ text }) => text.length <= MAX_PATTERN_LENGTH && !text.includes('\0'));
  if (patterns.length === 0) return;
  await warehouse.query(patternsSql(patterns)).catch((error: unknown) => {
    throw isNoPattern(error) ? noPattern(patterns.length === 1 ? patterns[0] : undefined) : error;
  });
}

export function isNoPattern(error: unknown): boolean {
  // CANNOT_COMPILE_REGEXP
  return error instanceof WarehouseError && error.number === 427;
}

export function noPattern(pattern?: Pattern): QuestionError {
  return new QuestionError({ code: 'invalid_pattern', field: pattern?.field ?? 'where', ...(pattern && { value: pattern.text }), rule: 'a regular expression in RE2 syntax', detail: 'A pattern of op matches is no regular expression (RE2 syntax).' });
}
