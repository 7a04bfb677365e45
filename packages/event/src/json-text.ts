/**
 * JSON text that ClickHouse always parses. V8 and ClickHouse disagree on what is legal: one half surrogate or one
 * integer of 20 digits in one event fails the insert of a whole block (measured on chDB 26.7; admission.test.ts holds
 * this file to it). So both are written in a form that both sides read alike.
 */
import type { JsonObject, JsonValue } from './event.ts';

/** `wideNumbers`: the value may hold integers beyond 64 bits, as `shapeOf` found. */
export function toJsonText(value: JsonObject, wideNumbers: boolean): string {
  const text = JSON.stringify(value);
  // JSON.stringify writes whole pairs as they are and escapes only halves, in lower case (ECMA-262, QuoteJSONString).
  // "\\ud" may also be a backslash followed by "ud": the slow way then writes the same text again.
  return wideNumbers || text.includes('\\ud') ? write(value) : text;
}

function write(value: JsonValue): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  // Keys that differ only in their broken halves become one; the last value holds, as with JSON.parse.
  const members = new Map<string, string>();
  for (const [key, child] of Object.entries(value)) {
    if (child !== undefined) members.set(JSON.stringify(key.toWellFormed()), write(child));
  }
  return `{${Array.from(members, ([key, child]) => `${key}:${child}`).join(',')}}`;
}

/** 18446744073709551616 becomes 1.8446744073709552e+19: the same float, read as a float. */
function writeNumber(value: number): string {
  return Math.abs(value) < 2 ** 63 || !Number.isFinite(value) ? JSON.stringify(value) : value.toExponential();
}
