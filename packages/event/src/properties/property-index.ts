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
import type { JsonValue } from '../event.ts';
import { endOfList, endOfString, NOT_PLAIN } from '../plain/json-ends.ts';
import { areOrdinary } from '../plain/plain-text.ts';
import { TYPE, typeOf } from './property-type.ts';
import { appendList, appendScalar, appendText, SCALAR_BYTES } from './property-value.ts';
import { memoryOf } from '../row/row-bytes.ts';
import type { Memory, RowBytes } from '../row/row-bytes.ts';

export const MAX_PATH_BYTES = 1_000;

const QUOTE = 0x22;
const PER_CENT = 0x25;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const LOWER_E = 0x65;
const LOWER_F = 0x66;
const LOWER_N = 0x6e;
const LOWER_T = 0x74;
const CLOSE_OBJECT = 0x7d;

/** Up to so many digits a whole number is a safe integer, and a decimal its digits over a power of ten, both exact. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, digits) => 10 ** digits);
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/;
/** JSON.stringify writes at most 25 characters; imports may have been written by others. */
const MAX_NUMBER_LENGTH = 64;
const EMPTY = memoryOf(Buffer.from('{}'));
/** 1 for bytes of a key that are its path's as well. */
const ORDINARY_IN_KEY = Uint8Array.from({ length: 256 }, (_, byte) => (byte === QUOTE || byte === BACKSLASH || byte === POINT || byte === PER_CENT ? 0 : 1));

export class PropertyIndex {
  /** Of the call that is under way. */
  #out!: RowBytes;
  #text: Memory = EMPTY;
  #end = 0;
  /** The keys above the member that is read, each with a dot behind it. */
  #path = Buffer.allocUnsafeSlow(4_096);
  #paths = 0;
  /** Paths met so far; kept only for properties in which two keys may become one path. */
  #known: Set<string> | undefined;
  #ambiguous = false;

  /**
   * Appends to `out` what the JSON object in `text` from `start` to `end` becomes; `text` may be what `out` has before. Made for
   * text as JSON.stringify writes it; other JSON is brought to that form first. Text that is no object gives an index
   * of nothing: to refuse it is the stores' part.
   */
  append(out: RowBytes, text: Memory, start: number, end: number): void {
    this.#out = out;
    // `out` may take other memory on the way, and leaves the text where it is.
    const { bytes, view } = text;
    if (this.#object({ bytes, view }, start, end)) return;
    const plain = stringified(bytes.toString('utf8', start, end));
    if (!this.#object(plain, 0, plain.bytes.length)) this.#object(EMPTY, 0, EMPTY.bytes.length);
  }

  #object(text: Memory, start: number, end: number): boolean {
    this.#text = text;
    this.#end = end;
    this.#known = undefined;
    this.#ambiguous = false;
    const from = this.#out.end;
    let isWhole = this.#walk(start) === end;
    if (isWhole && this.#ambiguous) {
      this.#known = new Set();
      this.#out.end = from;
      isWhole = this.#walk(start) === end;
    }
    if (isWhole) this.#putCount(from);
    else this.#out.end = from;
    return isWhole;
  }

  /** All paths, behind room for their count. */
  #walk(start: number): number {
    this.#paths = 0;
    this.#out.reserve(SCALAR_BYTES);
    this.#out.end++;
    return this.#text.bytes[start] === OPEN_OBJECT ? this.#members(start, 0) : NOT_PLAIN;
  }

  /** Nearly always it takes one byte. */
  #putCount(at: number): void {
    const out = this.#out;
    const count = this.#paths;
    if (count < 0x80) return void (out.bytes[at] = count);
    const more = count < 1 << 14 ? 1 : 2;
    out.reserve(more);
    const { end } = out;
    out.bytes.copyWithin(at + 1 + more, at + 1, end);
    out.end = at;
    out.length(count);
    out.end = end + more;
  }

  /** The members of the object that opens at `open`, below a path of `prefix` bytes; where it ends. */
  #members(open: number, prefix: number): number {
    const { bytes } = this.#text;
    let at = open + 1;
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      if (bytes[at] !== QUOTE) return NOT_PLAIN;
      const key = at + 1;
      at = key;
      while (ORDINARY_IN_KEY[bytes[at]!] === 1) at++;
      if (bytes[at] === QUOTE) at = bytes[at + 1] === COLON ? this.#member(at + 2, bytes, key, at, prefix) : NOT_PLAIN;
      else at = this.#oddMember(key, prefix);
      const next = at === NOT_PLAIN ? undefined : bytes[at++];
      if (next === CLOSE_OBJECT) return at;
      if (next !== COMMA) return NOT_PLAIN;
    }
  }

  /** `a.b` and `a%2Eb` become one path; the first stays, as ClickHouse has it. */
  #oddMember(start: number, prefix: number): number {
    const { bytes } = this.#text;
    const end = endOfString(bytes, start - 1, this.#end);
    if (end === NOT_PLAIN || bytes[end] !== COLON) return NOT_PLAIN;
    this.#ambiguous = true;
    const key = JSON.parse(bytes.toString('utf8', start - 1, end)) as string;
    const escaped = Buffer.from(key.replaceAll('.', '%2E'));
    return this.#member(end + 1, escaped, 0, escaped.length, prefix);
  }

  /** The member whose value begins at `at`, by its key in `bytes` from `start` to `end`; where it ends. */
  #member(at: number, bytes: Buffer, start: number, end: number, prefix: number): number {
    const first = this.#text.bytes[at];
    const pathBytes = prefix + end - start;
    if (first === OPEN_OBJECT) {
      this.#reservePath(pathBytes + 1);
      for (let from = start, to = prefix; from < end; from++, to++) this.#path[to] = bytes[from]!;
      this.#path[pathBytes] = POINT;
      return this.#members(at, pathBytes + 1);
    }
    if (first === LOWER_N) return at + 4;
    const out = this.#out;
    const before = out.end;
    out.reserve(pathBytes + SCALAR_BYTES);
    if (pathBytes < 0x80) out.byte(pathBytes);
    else out.length(pathBytes);
    const path = out.end;
    let to = path;
    for (let from = 0; from < prefix; from++, to++) out.bytes[to] = this.#path[from]!;
    for (let from = start; from < end; from++, to++) out.bytes[to] = bytes[from]!;
    out.end = to;
    const next = this.#value(first, at);
    if (this.#isTaken(path, to)) this.#paths++;
    else out.end = before;
    return next;
  }

  #reservePath(size: number): void {
    if (size < this.#path.length) return;
    const longer = Buffer.allocUnsafeSlow(2 * size);
    this.#path.copy(longer);
    this.#path = longer;
  }

  /** By the path that was written from `start` to `end`. */
  #isTaken(start: number, end: number): boolean {
    if (end - start > MAX_PATH_BYTES) return false;
    if (this.#known === undefined) return true;
    const path = this.#out.bytes.toString('latin1', start, end);
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
    const { bytes, view } = this.#text;
    const end = this.#end;
    const start = open + 1;
    let close = start;
    // Not by `indexOf`, which would look for an escape through all the rows that lie behind this text.
    while (close + 4 <= end && areOrdinary(view.getInt32(close, true))) close += 4;
    while (close < end && bytes[close] !== QUOTE && bytes[close] !== BACKSLASH) close++;
    const out = this.#out;
    out.byte(TYPE.string);
    if (bytes[close] === BACKSLASH) return this.#escapedString(open);
    if (close >= end) return NOT_PLAIN;
    if (close - start < 0x80) out.byte(close - start);
    else out.length(close - start);
    out.copy(this.#text, start, close);
    return close + 1;
  }

  #escapedString(open: number): number {
    const { bytes } = this.#text;
    const end = endOfString(bytes, open, this.#end);
    if (end === NOT_PLAIN) return NOT_PLAIN;
    appendText(this.#out, JSON.parse(bytes.toString('utf8', open, end)) as string);
    return end;
  }

  #number(start: number): number {
    const text = this.#text.bytes;
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

  #list(open: number): number {
    const { bytes } = this.#text;
    const end = endOfList(bytes, open, this.#end);
    if (end !== NOT_PLAIN) appendList(this.#out, JSON.parse(bytes.toString('utf8', open, end)) as JsonValue[]);
    return end;
  }

  /** Of many digits, or with an exponent. */
  #longNumber(start: number): number {
    const text = NUMBER.exec(this.#text.bytes.toString('latin1', start, start + MAX_NUMBER_LENGTH))?.[0];
    if (text === undefined) return NOT_PLAIN;
    const value = Number(text);
    this.#out.byte(typeOf(value));
    appendScalar(this.#out, typeOf(value), value);
    return start + text.length;
  }

}

function stringified(text: string): Memory {
  try {
    return memoryOf(Buffer.from(JSON.stringify(JSON.parse(text))));
  } catch {
    return EMPTY;
  }
}
