import { literal } from '@tidemark/warehouse';

/** A pattern of an op `matches`, and where in the question it stands. */
export interface Pattern {
  field: string;
  text: string;
}

/** All patterns in a valid question, wherever its kind takes conditions. */
export function patternsOf(question: unknown, field = ''): Pattern[] {
  if (Array.isArray(question)) return question.flatMap((item, index) => patternsOf(item, `${field}[${index}]`));
  if (typeof question !== 'object' || question === null) return [];
  const { op, value } = question as { op?: unknown; value?: unknown };
  if (op === 'matches' && typeof value === 'string') return [{ field: `${field}.value`, text: value }];
  return Object.entries(question).flatMap(([name, item]) => patternsOf(item, field === '' ? name : `${field}.${name}`));
}

/** SQL that fails where a pattern is none: ClickHouse compiles a pattern only when there is a row to match it with. */
export function patternsSql(patterns: readonly Pattern[]): string {
  return `SELECT ${patterns.map(({ text }, index) => `match('', ${literal(text)}) AS p${index}`).join(', ')}`;
}
