/** The type that a property's value has in the warehouse's JSON column, as ClickHouse itself would take it. */
import type { JsonValue } from '../event.ts';

/** Codes of ClickHouse's "Data types binary encoding specification", those that a property can have. */
export const TYPE = {
  none: 0x00,
  int64: 0x0a,
  float64: 0x0e,
  string: 0x15,
  list: 0x1e,
  nullable: 0x23,
  dynamic: 0x2b,
  bool: 0x2d,
} as const;

/** Whole numbers of 2^63 and beyond are floats, as json-text.ts writes them. */
export function typeOf(value: JsonValue): number {
  if (typeof value === 'string') return TYPE.string;
  if (typeof value === 'number') return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? TYPE.int64 : TYPE.float64;
  return typeof value === 'boolean' ? TYPE.bool : TYPE.none;
}

/**
 * The one type of all elements that are not null, as ClickHouse takes it: whole numbers among others are floats, booleans
 * among texts are texts, a list of nothing is of texts.
 */
export function commonType(elements: readonly JsonValue[]): number {
  const types = new Set(elements.map(typeOf));
  types.delete(TYPE.none);
  if (types.size === 0) return TYPE.string;
  if (types.size === 1) return [...types][0]!;
  const only = (...allowed: number[]): boolean => types.size === 2 && allowed.every((type) => types.has(type));
  if (only(TYPE.int64, TYPE.float64)) return TYPE.float64;
  return only(TYPE.string, TYPE.bool) ? TYPE.string : TYPE.dynamic;
}
