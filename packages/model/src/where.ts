import type { StoredEvent } from '@tidemark/event';
import { numberOf, textOf } from './property.ts';

type Scalar = string | number | boolean;
export interface Condition {
  property: string;
  op: string;
  value?: Scalar | Scalar[];
}
export type Where = readonly (Condition | { any: readonly Condition[] })[];

/** Whether an event has the name, or one of the names; undefined = any. */
export function isCalled({ eventName }: StoredEvent, names: string | readonly string[] | undefined): boolean {
  return names === undefined || [names].flat().includes(eventName);
}

/** Whether all conditions hold for an event. */
export function holds(event: StoredEvent, where: Where = []): boolean {
  return where.every((item) => ('any' in item ? item.any.some((condition) => holdsOne(event, condition)) : holdsOne(event, item)));
}

function holdsOne(event: StoredEvent, { property, op, value }: Condition): boolean {
  // A person is in several cohorts, or in none.
  if (property === 'cohort') return (value as string[]).some((name) => textOf(event, `cohort.${name}`) === 'in') === (op === 'in');
  const text = textOf(event, property);
  const number = numberOf(event, property);
  const equals = (wanted: Scalar): boolean => (typeof wanted === 'number' ? number === wanted : text === String(wanted));
  switch (op) {
    case '=':
      return equals(value as Scalar);
    case '!=':
      return !equals(value as Scalar);
    case 'in':
      return (value as Scalar[]).some(equals);
    case 'not_in':
      return !(value as Scalar[]).some(equals);
    case 'contains':
      return contains(text, String(value));
    case 'not_contains':
      return !contains(text, String(value));
    case 'is_set':
      return text !== undefined;
    case 'is_not_set':
      return text === undefined;
    case 'matches':
      return text !== undefined && new RegExp(String(value), 's').test(text);
    default:
      return compares(op, text, number, value as Scalar);
  }
}

function contains(text: string | undefined, part: string): boolean {
  return text !== undefined && text.toLowerCase().includes(part.toLowerCase());
}

function compares(op: string, text: string | undefined, number: number | undefined, value: Scalar): boolean {
  const isNumber = typeof value === 'number' || (typeof value === 'string' && /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) && Number.isFinite(Number(value)));
  let order: number;
  if (isNumber) {
    if (number === undefined) return false;
    order = number - Number(value);
  } else {
    if (text === undefined) return false;
    order = Buffer.compare(Buffer.from(text), Buffer.from(String(value)));
  }
  return op === '>' ? order > 0 : op === '>=' ? order >= 0 : op === '<' ? order < 0 : order <= 0;
}
