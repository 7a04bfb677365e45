/**
 * The properties of an event as the warehouse's JSON column takes them without parsing: the RowBinary form of
 * ClickHouse's JSON type. For a column of 9 properties ClickHouse reads this in 1.2 us a row, and needs 4.2 us to make the
 * same of JSON text (0.45 us for each path, whatever its type; chDB 26.7, 2026-11-22).
 *
 *   VarUInt number of paths, then for each: its name (VarUInt bytes, UTF-8), the code of its type, its value
 *
 * Sources: clickhouse.com/docs, "RowBinary" and "Data types binary encoding specification". property-index.test.ts of the
 * warehouse holds it to what ClickHouse makes of the text. The column is an index, not the truth:
 * - null and `{}` leave nothing; keys of objects within objects become one path, joined by dots, dots within a key `%2E`;
 * - lists lose the lists and objects within them: ClickHouse would make columns of everything inside, and 20,000 events
 *   with lists of lists of objects want more than 20,000 files at once (measured);
 * - a path of more than MAX_PATH_LENGTH characters is left out: a long key over many others would come back many times.
 */
import type { JsonObject, JsonValue } from './event.ts';
import { toJsonText } from './json-text.ts';

export const MAX_PATH_LENGTH = 1_000;

const TYPE = { none: 0x00, int64: 0x0a, float64: 0x0e, string: 0x15, list: 0x1e, nullable: 0x23, dynamic: 0x2b, bool: 0x2d } as const;
/** What ClickHouse gives lists of several types: Dynamic of up to 32 of them. */
const DYNAMIC_TYPES = 32;
/** Strings up to this length are written character by character: a native call costs 0.1 us. */
const SHORT = 48;
const COUNT_BYTES = 3;
/** From here on an integer is kept as a float, as json-text.ts writes it. */
const WIDE = 2 ** 63;

export class PropertyIndex {
  #bytes = Buffer.allocUnsafeSlow(1 << 14);
  #view = viewOf(this.#bytes);
  #end = 0;
  #paths = 0;
  /** Paths written so far, kept only for properties in which two keys may become one path. */
  #known: Set<string> | undefined;
  #ambiguous = false;

  /** The encoded form of `properties`, valid until the next call. They are within the limits of an event. */
  encode(properties: JsonObject): Buffer {
    this.#known = undefined;
    this.#ambiguous = false;
    this.#object(properties);
    if (this.#ambiguous) {
      this.#known = new Set();
      // Whole characters first: keys that differ only in broken halves are one key of the text.
      this.#object(JSON.parse(toJsonText(properties, true)) as JsonObject);
    }
    // The count is known last, and stands first.
    const start = COUNT_BYTES - (this.#paths < 1 << 7 ? 1 : this.#paths < 1 << 14 ? 2 : 3);
    const end = this.#end;
    this.#end = start;
    this.#length(this.#paths);
    return this.#bytes.subarray(start, end);
  }

  #object(properties: JsonObject): void {
    this.#end = COUNT_BYTES;
    this.#paths = 0;
    this.#members(properties, '');
  }

  #members(value: JsonObject, parent: string): void {
    for (const key in value) {
      const member = value[key];
      if (member === null || member === undefined) continue;
      const path = parent + (isPlain(key) ? key : this.#escape(key));
      if (typeof member !== 'object' || Array.isArray(member)) this.#leaf(path, member);
      else this.#members(member, `${path}.`);
    }
  }

  /** `a.b` and `a%2Eb` become one path; the first stays, as ClickHouse has it. */
  #escape(key: string): string {
    this.#ambiguous = true;
    return key.replaceAll('.', '%2E');
  }

  #leaf(path: string, value: JsonValue): void {
    if (path.length > MAX_PATH_LENGTH) return;
    if (this.#known !== undefined) {
      if (this.#known.has(path)) return;
      this.#known.add(path);
    }
    this.#paths++;
    this.#string(path);
    if (Array.isArray(value)) this.#list(value);
    else {
      const type = typeOf(value);
      this.#byte(type);
      this.#value(type, value);
    }
  }

  #list(list: readonly JsonValue[]): void {
    const elements = list.filter((element) => typeof element !== 'object' || element === null);
    const type = commonType(elements);
    this.#byte(TYPE.list);
    if (type === TYPE.dynamic) {
      this.#byte(TYPE.dynamic);
      this.#byte(DYNAMIC_TYPES);
    } else {
      this.#byte(TYPE.nullable);
      this.#byte(type);
    }
    this.#length(elements.length);
    for (const element of elements) {
      if (type === TYPE.dynamic) {
        const own = typeOf(element);
        this.#byte(own);
        this.#value(own, element);
      } else {
        this.#byte(element === null ? 1 : 0);
        if (element !== null) this.#value(type, element);
      }
    }
  }

  #value(type: number, value: JsonValue): void {
    if (type === TYPE.string) this.#string(String(value));
    else if (type === TYPE.bool) this.#byte(value === true ? 1 : 0);
    else if (type !== TYPE.none) {
      this.#reserve(8);
      if (type === TYPE.float64) this.#view.setFloat64(this.#end, value as number, true);
      else this.#int64(value as number);
      this.#end += 8;
    }
  }

  #int64(value: number): void {
    if (Number.isSafeInteger(value)) {
      const high = Math.floor(value / 0x1_0000_0000);
      this.#view.setUint32(this.#end, value - high * 0x1_0000_0000, true);
      this.#view.setInt32(this.#end + 4, high, true);
    } else {
      // The digits that the text has: of 2^62 that is 4611686018427388000.
      this.#view.setBigInt64(this.#end, BigInt(String(value)), true);
    }
  }

  #string(text: string): void {
    const { length } = text;
    if (length <= SHORT) {
      this.#reserve(length + 1);
      const bytes = this.#bytes;
      const at = this.#end;
      bytes[at] = length;
      let index = 0;
      for (; index < length; index++) {
        const code = text.charCodeAt(index);
        if (code >= 0x80) break;
        bytes[at + 1 + index] = code;
      }
      if (index === length) {
        this.#end = at + 1 + length;
        return;
      }
    }
    const size = Buffer.byteLength(text);
    this.#length(size);
    this.#reserve(size);
    this.#end += this.#bytes.write(text, this.#end);
  }

  /** LEB128. */
  #length(length: number): void {
    this.#reserve(5);
    let rest = length;
    while (rest >= 0x80) {
      this.#bytes[this.#end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#end++] = rest;
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#end++] = byte;
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + more));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/** ASCII without dots and per cents: such a key is its own path, and no other key's. */
function isPlain(key: string): boolean {
  for (let index = 0; index < key.length; index++) {
    const code = key.charCodeAt(index);
    if (code >= 0x80 || code === 0x2e || code === 0x25) return false;
  }
  return true;
}

function typeOf(value: JsonValue): number {
  if (typeof value === 'string') return TYPE.string;
  if (typeof value === 'number') return Number.isInteger(value) && value < WIDE && value > -WIDE ? TYPE.int64 : TYPE.float64;
  return typeof value === 'boolean' ? TYPE.bool : TYPE.none;
}

/**
 * The one type of all elements that are not null: whole numbers among others are floats, booleans among texts are texts,
 * a list of nothing is of texts.
 */
function commonType(elements: readonly JsonValue[]): number {
  let common: number = TYPE.none;
  for (const element of elements) {
    const type = typeOf(element);
    if (type === TYPE.none || type === common) continue;
    if (common === TYPE.none) common = type;
    else if (isNumber(common) && isNumber(type)) common = TYPE.float64;
    else if (elements.every((one) => isTextOrNot(typeOf(one)))) return TYPE.string;
    else return TYPE.dynamic;
  }
  return common === TYPE.none ? TYPE.string : common;
}

function isTextOrNot(type: number): boolean {
  return type === TYPE.string || type === TYPE.bool || type === TYPE.none;
}

function isNumber(type: number): boolean {
  return type === TYPE.int64 || type === TYPE.float64;
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
