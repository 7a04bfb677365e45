/** Readers of single fields: the value, or what stands for "none" and a fault. `null`, `""` and absent all mean none (E4). */
import type { Fault } from '../errors.ts';
import type { JsonObject } from '../event.ts';
import { isIllegalId } from './ids.ts';
import { LIMITS } from '../limits.ts';
import { explainTimestamp, parseTimestamp } from './timestamp.ts';

/** Shared by all events that came without an object here; frozen, because nobody owns it. */
const EMPTY: JsonObject = Object.freeze({}) as JsonObject;

export function readId(value: unknown, field: string, maxLength: number, faults: Fault[]): string {
  if (isNone(value)) return '';
  if (typeof value === 'number') {
    // 12345678901234567890 has become 12345678901234567000 by now: as ids, numbers would merge strangers.
    const detail = `${field} is text: send ${JSON.stringify(String(value))}, with the quotes. Long numbers lose digits in JSON.`;
    faults.push({ field, code: 'wrong_type', detail });
    return '';
  }
  const text = readText(value, field, maxLength, faults);
  if (text === '' || !isIllegalId(text)) return text;
  const detail = `${field} is ${JSON.stringify(text)}, which no one's id is; send the real id, or leave the field out.`;
  faults.push({ field, code: 'illegal_id', detail });
  return '';
}

export function readName(value: unknown, field: string, faults: Fault[]): string {
  if (isNone(value)) return '';
  const text = readText(value, field, LIMITS.maxEventNameLength, faults);
  return isBlank(text) ? '' : text;
}

/** A version may come as an integer too: 2 and "2" are the same version, and short numbers lose nothing. */
export function readVersion(value: unknown, faults: Fault[]): string {
  if (isNone(value)) return '';
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return readText(value, 'schemaVersion', LIMITS.maxSchemaVersionLength, faults);
}

/** Epoch milliseconds, undefined for none. */
export function readTime(value: unknown, field: string, faults: Fault[]): number | undefined {
  if (isNone(value)) return undefined;
  const ms = parseTimestamp(value);
  if (ms === ms) return ms;
  faults.push({ field, ...explainTimestamp(value) });
  return undefined;
}

export function readSequence(value: unknown, faults: Fault[]): number | undefined {
  if (isNone(value)) return undefined;
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  const detail = 'sequence is a whole number from 0 to 9007199254740991, one more for each event of the device.';
  faults.push({ field: 'sequence', code: 'wrong_type', detail });
  return undefined;
}

export function readObject(value: unknown, field: string, faults: Fault[]): JsonObject {
  if (isNone(value)) return EMPTY;
  if (typeof value === 'object' && !Array.isArray(value)) return value as JsonObject;
  const detail = `${field} is a JSON object, not ${Array.isArray(value) ? 'an array' : `a ${typeof value}`}.`;
  faults.push({ field, code: 'wrong_type', detail });
  return EMPTY;
}

function readText(value: unknown, field: string, maxLength: number, faults: Fault[]): string {
  if (typeof value !== 'string') {
    const got = Array.isArray(value) ? 'an array' : typeof value === 'object' ? 'an object' : `a ${typeof value}`;
    faults.push({ field, code: 'wrong_type', detail: `${field} is text, not ${got}.` });
    return '';
  }
  if (value.length > maxLength && isLongerThan(value, maxLength)) {
    faults.push({
      field,
      code: 'too_long',
      detail: `${field} has more than ${maxLength} characters; send a shorter one.`,
    });
    return '';
  }
  if (!value.isWellFormed()) {
    const detail = `${field} holds half of a surrogate pair; cut text between characters, not inside them.`;
    faults.push({ field, code: 'invalid_unicode', detail });
    return '';
  }
  return value;
}

function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  // A native call less for nearly all.
  return !(first > 0x20 && first < 0x7f) && text.trim() === '';
}

/** `value`, or what is taken in its place when it is none: `""` is as absent as `null` is (E4). */
export function firstGiven(value: unknown, otherwise: unknown): unknown {
  return isNone(value) ? otherwise : value;
}

function isNone(value: unknown): value is undefined | null | '' {
  return value === undefined || value === null || value === '';
}

/** Length in characters (code points), of which UTF-16 takes one or two units each. */
function isLongerThan(text: string, maxLength: number): boolean {
  return text.length > maxLength * 2 || Array.from(text).length > maxLength;
}
