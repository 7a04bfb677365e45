/**
 * Values as typed ClickHouse literals: the only way by which a value enters SQL.
 *
 * Bound parameters would serialise all parameterised queries of the process in chDB (measured, chDB 26.7), so values
 * are written inline. Each function below writes a literal that ClickHouse's parser reads back as exactly the given
 * value (`literal.test.ts` asks a real chDB); what can't be written throws a RangeError instead of guessing.
 */

/** Escapes of ClickHouse's string literals; NUL must go because chDB takes the statement as a C string. */
const ESCAPES: Record<string, string> = {
  '\0': '\\0',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
  "'": "\\'",
  '\\': '\\\\',
};

/** A String literal. Lone surrogates, which UTF-8 can't hold, become U+FFFD, as the collector stores them. */
export function stringLiteral(text: string): string {
  return `'${text.toWellFormed().replace(/[\0\b\t\n\f\r'\\]/g, (found) => ESCAPES[found] ?? found)}'`;
}

/** An Int64 literal, from a safe integer or a bigint within ±2^63. */
export function intLiteral(value: number | bigint): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
  const whole = BigInt(value);
  if (whole !== BigInt.asIntN(64, whole)) throw new RangeError(`not a 64-bit integer: ${value}`);
  return `toInt64(${whole})`;
}

/** A Float64 literal, bit for bit (`-0` too). NaN and the infinities are refused: JSON can't carry them either. */
export function floatLiteral(value: number): string {
  if (!Number.isFinite(value)) throw new RangeError(`not a finite number: ${value}`);
  return Object.is(value, -0) ? "toFloat64('-0')" : `toFloat64('${value}')`;
}

/** A DateTime64(3, 'UTC') literal, from epoch milliseconds within the years 1900 to 2262. */
export function timeLiteral(epochMs: number): string {
  if (!Number.isInteger(epochMs) || epochMs < MIN_TIME_MS || epochMs > MAX_TIME_MS) {
    throw new RangeError(`not a time in milliseconds between 1900 and 2262: ${epochMs}`);
  }
  return `fromUnixTimestamp64Milli(${epochMs}, 'UTC')`;
}

const MIN_TIME_MS = Date.UTC(1900, 0, 1);
const MAX_TIME_MS = Date.UTC(2262, 3, 11);

/** An Array literal of texts, or of finite numbers as Float64; an empty array keeps its type. */
export function arrayLiteral(values: readonly string[] | readonly number[], element: 'String' | 'Float64'): string {
  const items = values.map((value) => (typeof value === 'string' ? stringLiteral(value) : floatLiteral(value)));
  return `CAST([${items.join(', ')}], 'Array(${element})')`;
}

/** The literal of a text (String), a number (Float64), a bigint (Int64), a boolean (Bool) or a Date (DateTime64(3)). */
export function literal(value: string | number | bigint | boolean | Date): string {
  if (typeof value === 'string') return stringLiteral(value);
  if (typeof value === 'number') return floatLiteral(value);
  if (typeof value === 'bigint') return intLiteral(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  return timeLiteral(value.getTime());
}
