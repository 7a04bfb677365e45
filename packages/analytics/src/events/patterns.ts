import { literal, WarehouseError, type Warehouse } from '@tidemark/warehouse';
import { QuestionError } from '../question/problem.ts';
import { MAX_PATTERN_LENGTH } from './where.ts';

/** A pattern, and where in the question it stands. */
interface Pattern {
  field: string;
  text: string;
}

/** All patterns in a valid question: those of rules that group nodes, and of conditions wherever its kind takes them. */
function patternsOf(question: unknown): Pattern[] {
  const { group = [] } = question as { group?: readonly { pattern: string }[] };
  return [...group.map(({ pattern }, index) => ({ field: `group[${index}].pattern`, text: pattern })), ...patternsOfConditions(question)];
}

function patternsOfConditions(question: unknown, field = ''): Pattern[] {
  if (Array.isArray(question)) return question.flatMap((item, index) => patternsOfConditions(item, `${field}[${index}]`));
  if (typeof question !== 'object' || question === null) return [];
  const { op, value } = question as { op?: unknown; value?: unknown };
  if (op === 'matches' && typeof value === 'string') return [{ field: `${field}.value`, text: value }];
  return Object.entries(question).flatMap(([name, item]) => patternsOfConditions(item, field === '' ? name : `${field}.${name}`));
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
  const failsWith = async (some: readonly Pattern[]): Promise<boolean> => {
    try {
      await warehouse.query(patternsSql(some));
      return false;
    } catch (error) {
      if (isNoPattern(error)) return true;
      throw error;
    }
  };
  if (!(await failsWith(patterns))) return;
  for (const pattern of patterns) if (await failsWith([pattern])) throw noPattern(pattern);
}

export function isNoPattern(error: unknown): boolean {
  // CANNOT_COMPILE_REGEXP
  return error instanceof WarehouseError && error.number === 427;
}

export function noPattern(pattern?: Pattern): QuestionError {
  return new QuestionError({ code: 'invalid_pattern', field: pattern?.field ?? 'where', ...(pattern && { value: pattern.text }), rule: 'a regular expression in RE2 syntax', detail: 'A pattern is no regular expression (RE2 syntax).' });
}
