/**
 * The properties of an event as the warehouse's JSON column takes them without parsing: the RowBinary form of
 * ClickHouse's JSON type. For 9 properties ClickHouse reads this in 1.2 us a row, and needs 4.2 us to make the same of JSON
 * text (0.45 us for each path, whatever its type; chDB 26.7, 2026-11-22).
 *
 *   VarUInt number of paths, then for each: its name (VarUInt bytes, UTF-8), the code of its type, its value
 *
 * Sources: clickhouse.com/docs, "RowBinary" and "Data types binary encoding specification". property-index.test.ts of the
 * warehouse holds it to what ClickHouse makes of the text. The column is an index, not the truth:
 * - null and `{}` leave nothing; keys of objects within objects become one path, joined by dots, dots within a key `%2E`;
 * - lists lose the lists and objects within them: ClickHouse would make columns of everything inside, and 20,000 events
 *   with lists of lists of objects want more than 20,000 files at once (measured);
 * - a path of more than MAX_PATH_BYTES is left out: a long key over many others would come back many times.
 */
import type { JsonValue } from './event.ts';
import { IndexBytes, TYPE } from './index-bytes.ts';
import { commonType, typeOf } from './property-type.ts';

export const MAX_PATH_BYTES = 1_000;

const QUOTE = 0x22;
const PER_CENT = 0x25;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const CLOSE_OBJECT = 0x7d;

/** Up to so many digits a whole number is a safe integer, and a decimal its digits over a power of ten, both exact. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, digits) => 10 ** digits);
/** What ClickHouse gives lists of several types: Dynamic of up to 32 of them. */
const DYNAMIC_TYPES = 32;
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/;
/** JSON.stringify writes at most 25 characters; imports may have been written by others. */
const MAX_NUMBER_LENGTH = 64;
const EMPTY = Buffer.from('{}');
/** The text is not as JSON.stringify writes it. */
const NOT_PLAIN = -1;

export class PropertyIndex {
  readonly #out = new IndexBytes();
  /** The path that is open: the keys above, each with a dot behind it, and the last key. */
  #path = Buffer.allocUnsafeSlow(4_096);
  #paths = 0;
  /** Paths met so far; kept only for properties in which two keys may become one path. */
  #known: Set<string> | undefined;
  #ambiguous = false;
  #text: Buffer = EMPTY;

  /**
   * Encodes the JSON object in `text` from `start` to `end`, for `copyTo`; returns the size in bytes. Made for text as
   * JSON.stringify writes it; other JSON is brought to that form first. Text that is no object gives an index of
   * nothing: to refuse it is the stores' part.
   */
  encode(text: Buffer, start: number, end: number): number {
    if (!this.#object(text, start, end)) {
      const plain = stringified(text.toString('utf8', start, end));
      if (!this.#object(plain, 0, plain.length)) this.#object(EMPTY, 0, EMPTY.length);
    }
    this.#out.putCount(this.#paths);
    return this.#out.end - this.#out.start;
  }

  /** Copies what `encode` has made last; returns its size in bytes. */
  copyTo(target: Buffer, at: number): number {
    return this.#out.copyTo(target, at);
  }

  #object(text: Buffer, start: number, end: number): boolean {
    this.#text = text;
    this.#known = undefined;
    this.#ambiguous = false;
    if (this.#walk(start) !== end) return false;
    if (!this.#ambiguous) return true;
    this.#known = new Set();
    return this.#walk(start) === end;
  }

  #walk(start: number): number {
    this.#out.clear();
    this.#paths = 0;
    return this.#text[start] === OPEN_OBJECT ? this.#members(start, 0) : NOT_PLAIN;
  }

  /** The members of the object that opens at `open`, below a path of `prefix` bytes; where it ends. */
  #members(open: number, prefix: number): number {
    const text = this.#text;
    let at = open + 1;
    if (text[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      if (text[at] !== QUOTE) return NOT_PLAIN;
      const keyEnd = endOfString(text, at);
      if (text[keyEnd] !== COLON) return NOT_PLAIN;
      const pathEnd = this.#key(at + 1, keyEnd - 1, prefix);
      at = this.#member(keyEnd + 1, pathEnd);
      const next = at === NOT_PLAIN ? undefined : text[at++];
      if (next === CLOSE_OBJECT) return at;
      if (next !== COMMA) return NOT_PLAIN;
    }
  }

  /** Puts a key behind the path; where the path ends now. */
  #key(start: number, end: number, prefix: number): number {
    this.#reservePath(prefix + end - start);
    const text = this.#text;
    const path = this.#path;
    let to = prefix;
    for (let at = start; at < end; at++) {
      const byte = text[at]!;
      if (byte === BACKSLASH || byte === POINT || byte === PER_CENT) return this.#oddKey(start, end, prefix);
      path[to++] = byte;
    }
    return to;
  }

  /** `a.b` and `a%2Eb` become one path; the first stays, as ClickHouse has it. */
  #oddKey(start: number, end: number, prefix: number): number {
    this.#ambiguous = true;
    const key = JSON.parse(this.#text.toString('utf8', start - 1, end + 1)) as string;
    const escaped = Buffer.from(key.replaceAll('.', '%2E'));
    this.#reservePath(prefix + escaped.length);
    return prefix + escaped.copy(this.#path, prefix);
  }

  #reservePath(size: number): void {
    if (size < this.#path.length) return;
    const longer = Buffer.allocUnsafeSlow(2 * size);
    this.#path.copy(longer);
    this.#path = longer;
  }

  /** The value at `at`, whose path ends at `pathEnd`; where it ends. */
  #member(at: number, pathEnd: number): number {
    const first = this.#text[at];
    if (first === OPEN_OBJECT) {
      this.#path[pathEnd] = POINT;
      return this.#members(at, pathEnd + 1);
    }
    if (first === LOWER_N) return at + 4;
    const out = this.#out;
    const before = out.end;
    out.string(this.#path, 0, pathEnd);
    const end = this.#value(first, at);
    if (this.#isTaken(pathEnd)) this.#paths++;
    else out.end = before;
    return end;
  }

  #isTaken(pathEnd: number): boolean {
    if (pathEnd > MAX_PATH_BYTES) return false;
    if (this.#known === undefined) return true;
    const path = this.#path.toString('latin1', 0, pathEnd);
    if (this.#known.has(path)) return false;
    this.#known.add(path);
    return true;
  }

  #value(first: number | undefined, at: number): number {
    if (first === QUOTE) return this.#string(at);
    if (first === OPEN_ARRAY) return this.#list(at);
    if (first !== LOWER_T && first !== LOWER_F) return this.#number(at);
    this.#out.byte(TYPE.bool);
    this.#out.byte(first === LOWER_T ? 1 : 0);
    return at + (first === LOWER_T ? 4 : 5);
  }

  #string(open: number): number {
    const text = this.#text;
    let escaped = false;
    let close = open + 1;
    // Looked for byte by byte: `indexOf` would look for an escape through all the rows that lie behind this text.
    while (text[close] !== QUOTE) {
      if (text[close] === BACKSLASH) {
        escaped = true;
        close++;
      }
      if (++close >= text.length) return NOT_PLAIN;
    }
    this.#out.byte(TYPE.string);
    if (escaped) this.#out.text(JSON.parse(text.toString('utf8', open, close + 1)) as string);
    else this.#out.string(text, open + 1, close);
    return close + 1;
  }

  #number(start: number): number {
    const text = this.#text;
    const negative = text[start] === MINUS;
    let at = negative ? start + 1 : start;
    let digits = 0;
    let point = 0;
    const first = at;
    for (; ; at++) {
      const byte = text[at]!;
      if (byte >= 0x30 && byte <= 0x39) digits = digits * 10 + (byte - 0x30);
      else if (byte === POINT && point === 0 && at > first) point = at;
      else if (at - first - (point === 0 ? 0 : 1) > EXACT_DIGITS || byte === LOWER_E || at === first) return this.#longNumber(start);
      else break;
    }
    const value = negative ? -digits : digits;
    this.#out.byte(point === 0 ? TYPE.int64 : TYPE.float64);
    if (point === 0) this.#out.int64(value);
    else this.#out.float64(value / POWERS_OF_TEN[at - point - 1]!);
    return at;
  }

  /** Of many digits, or with an exponent. */
  #longNumber(start: number): number {
    const text = NUMBER.exec(this.#text.toString('latin1', start, start + MAX_NUMBER_LENGTH))?.[0];
    if (text === undefined) return NOT_PLAIN;
    const value = Number(text);
    this.#out.byte(typeOf(value));
    this.#scalar(typeOf(value), value);
    return start + text.length;
  }

  #list(open: number): number {
    const end = endOfList(this.#text, open);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    const list = JSON.parse(this.#text.toString('utf8', open, end)) as JsonValue[];
    const elements = list.filter((element) => typeof element !== 'object' || element === null) as (string | number | boolean | null)[];
    const out = this.#out;
    const type = commonType(elements);
    out.byte(TYPE.list);
    out.byte(type === TYPE.dynamic ? TYPE.dynamic : TYPE.nullable);
    out.byte(type === TYPE.dynamic ? DYNAMIC_TYPES : type);
    out.length(elements.length);
    for (const element of elements) {
      const own = type === TYPE.dynamic ? typeOf(element) : type;
      // Of a nullable the byte says whether it is null, of a dynamic of which type it is.
      out.byte(type === TYPE.dynamic ? own : element === null ? 1 : 0);
      if (element !== null) this.#scalar(own, element);
    }
    return end;
  }

  #scalar(type: number, value: string | number | boolean): void {
    const out = this.#out;
    if (type === TYPE.string) out.text(String(value));
    else if (type === TYPE.bool) out.byte(value === true ? 1 : 0);
    else if (type === TYPE.float64) out.float64(value as number);
    else if (Number.isSafeInteger(value)) out.int64(value as number);
    // The digits that the text has: of 2^62 that is 4611686018427388000.
    else out.bigInt64(BigInt(String(value)));
  }
}

/** Where the string ends that opens at `open`, behind its closing quote. */
function endOfString(text: Buffer, open: number): number {
  for (let at = open + 1; at < text.length; at++) {
    const byte = text[at];
    if (byte === BACKSLASH) at++;
    else if (byte === QUOTE) return at + 1;
  }
  return NOT_PLAIN;
}

function endOfList(text: Buffer, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length && at >= 0; at++) {
    const byte = text[at];
    if (byte === QUOTE) at = endOfString(text, at) - 1;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
    else if ((byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) && --depth === 0) return at + 1;
    if (at < open) return NOT_PLAIN;
  }
  return NOT_PLAIN;
}

function stringified(text: string): Buffer {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text)));
  } catch {
    return EMPTY;
  }
}
