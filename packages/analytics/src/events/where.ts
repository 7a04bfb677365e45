import { literal } from '@tidemark/warehouse';
import { COHORT, inCohortsSql } from '../cohorts/membership.ts';
import { QuestionError } from '../question/problem.ts';
import type { PropertySql } from '../properties/property-sql.ts';
import { propertySql, type Table } from '../properties/property.ts';
import type { Condition, Operator, Where } from '../question/schema.ts';

/** SQL that is 1 where all conditions hold and 0 elsewhere, never NULL (rules W1 to W6). */
export function whereSql(where: Where | undefined, table: Table, field: string): string {
  if (where === undefined || where.length === 0) return '1';
  const conditions = where.map((item, i) => {
    const at = `${field}[${i}]`;
    if (!('any' in item)) return conditionSql(item, table, at);
    return `(${item.any.map((condition, j) => conditionSql(condition, table, `${at}.any[${j}]`)).join(' OR ')})`;
  });
  return conditions.join(' AND ');
}

/** The operators that are defined as the exact complement of another, so that unset matches them. */
const COMPLEMENT_OF: Partial<Record<Operator, Operator>> = { '!=': '=', not_in: 'in', not_contains: 'contains', is_not_set: 'is_set' };

/** SQL that is 1 where one condition holds and 0 elsewhere. Throws a QuestionError. */
export function conditionSql(condition: Condition, table: Table, field: string): string {
  if (condition.property === COHORT) return inCohortsSql(condition, field);
  const { op } = condition;
  checkValue(condition, field);
  const read = propertySql(condition.property, table, `${field}.property`);
  const positive = COMPLEMENT_OF[op];
  return positive === undefined ? holdsSql(op, condition, read, field) : `NOT ${holdsSql(positive, condition, read, field)}`;
}

function holdsSql(op: Operator, { value }: Condition, read: PropertySql, field: string): string {
  switch (op) {
    case 'is_set':
      return `(${read.text} IS NOT NULL)`;
    case 'in':
      return `(${equalsAny(value as Scalar[], read)})`;
    case 'contains':
      // Like the other tools of the trade: without regard to case.
      return sure(`positionUTF8(lowerUTF8(${read.text}), lowerUTF8(${literal(String(value))})) > 0`);
    case 'matches':
      return sure(`match(${read.text}, ${patternLiteral(String(value), `${field}.value`)})`);
    case '>':
    case '>=':
    case '<':
    case '<=':
      return sure(compare(op, value as Scalar, read));
    default:
      return `(${equalsAny([value as Scalar], read)})`;
  }
}

type Scalar = string | number | boolean;

/** A text equals the property's text; a number its number; true and false their names (rule W2). */
function equalsAny(values: readonly Scalar[], read: PropertySql): string {
  const texts = values.filter((value) => typeof value !== 'number').map(String);
  const numbers = values.filter((value) => typeof value === 'number');
  const parts: string[] = [];
  if (texts.length > 0) parts.push(sure(`${read.text} IN (${texts.map(literal).join(', ')})`));
  if (numbers.length > 0) parts.push(sure(`${read.number} IN (${numbers.map(literal).join(', ')})`));
  return parts.join(' OR ');
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;

/** Does a text write a number, so that it is compared as one? */
export function isNumberText(value: string | number | boolean): boolean {
  return typeof value === 'string' && NUMBER.test(value);
}

/** Numbers, and texts that write a number, are compared as numbers; others by their UTF-8 bytes (rule W4). */
function compare(op: Operator, value: Scalar, read: PropertySql): string {
  const number = typeof value === 'string' && !isNumberText(value) ? Number.NaN : Number(value);
  if (typeof value !== 'boolean' && Number.isFinite(number)) return `${read.number} ${op} ${literal(number)}`;
  return `${read.text} ${op} ${literal(String(value))}`;
}

/** NULL counts as no. */
function sure(condition: string): string {
  return `ifNull(${condition}, 0)`;
}

export const MAX_PATTERN_LENGTH = 500;

/** The literal of a pattern that stands in `field`. Throws a QuestionError. */
export function patternLiteral(text: string, field: string): string {
  if (text.length <= MAX_PATTERN_LENGTH && !text.includes('\0')) return literal(text);
  throw new QuestionError({
    code: 'invalid_pattern', field, value: text,
    rule: 'a regular expression in RE2 syntax, at most 500 characters, without NUL',
    detail: 'The pattern is too long or contains NUL.',
  });
}

function checkValue({ op, value }: Condition, field: string): void {
  const isList = Array.isArray(value);
  const wanted =
    op === 'is_set' || op === 'is_not_set' ? 'none' : op === 'in' || op === 'not_in' ? 'list' : op.includes('contains') || op === 'matches' ? 'text' : 'one';
  const right =
    wanted === 'none' ? value === undefined : wanted === 'list' ? isList : value !== undefined && !isList && (wanted === 'one' || typeof value === 'string');
  if (right) return;
  const rule = { none: 'no value', list: 'a list of values', text: 'a text', one: 'one value' }[wanted];
  throw new QuestionError({
    code: value === undefined ? 'missing_field' : 'invalid_value', field: `${field}.value`, value,
    rule: `${op} takes ${rule}`, detail: `${field}.value: ${op} takes ${rule}.`,
  });
}
