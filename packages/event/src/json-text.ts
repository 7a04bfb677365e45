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
  return wideNumbers || text.includes('\\ud') ? write(value, false) : text;
}

/**
 * The text for a JSON column that is an index: its lists lose the lists and objects within them. Questions read lists as
 * the texts of their plain elements, and ClickHouse would make columns of everything inside: 20,000 events with lists
 * of lists of objects, of many keys and types, want more than 20,000 files at once and fail the insert of all
 * (measured on chDB 26.7). What remains is bounded: some ten types for each path.
 */
export function toIndexedJsonText(value: JsonObject): string {
  return write(value, true);
}

function write(value: JsonValue, flatLists: boolean): string {
  if (typeof value === 'string') return JSON.stringify(value.toWellFormed());
  if (typeof value === 'number') return writeNumber(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) {
    const elements = flatLists ? value.filter((element) => typeof element !== 'object' || element === null) : value;
    return `[${elements.map((element) => write(element, flatLists)).join(',')}]`;
  }
  // Keys that differ only in their broken halves become one; the last value holds, as with JSON.parse.
  const members = new Map<string, string>();
  for (const [key, child] of Object.entries(value)) {
    if (child !== undefined) members.set(JSON.stringify(key.toWellFormed()), write(child, flatLists));
  }
  return `{${Array.from(members, ([key, child]) => `${key}:${child}`).join(',')}}`;
}

/** 18446744073709551616 becomes 1.8446744073709552e+19: the same float, read as a float. */
function writeNumber(value: number): string {
  return Math.abs(value) < 2 ** 63 || !Number.isFinite(value) ? JSON.stringify(value) : value.toExponential();
}
