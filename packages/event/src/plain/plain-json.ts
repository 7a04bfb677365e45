/**
 * Plain JSON is the very text that JSON.stringify writes of what it means: no white space, each number and escape in its
 * one form, no key twice. Most clients send nothing else. Of such text nothing has to be built and written again: where
 * its members lie is enough, and their bytes can be kept as they are.
 *
 * A scan costs 1.3 us for an event of 1 KB, JSON.parse and JSON.stringify of the same 5 us (measured side by side, Node
 * 20.20). It may refuse plain text that is rare (long objects, keys of digits, `\u` escapes); it never takes text that is
 * not plain. What it refuses goes the general way.
 */
import { KeyPath, KeyPaths } from './key-paths.ts';
import { LIMITS } from '../limits.ts';
import { areOrdinary } from './plain-text.ts';
import { signatureOf, wantedMember } from './wanted.ts';
import type { Wanted } from './wanted.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** 1 for bytes that stand for themselves in a string: all but quote, backslash and control characters. */
const ORDINARY = Uint8Array.from({ length: 256 }, (_, byte) => (byte < 32 || byte === QUOTE || byte === BACKSLASH ? 0 : 1));
/** 1 for what may follow a backslash: `"\bfnrt`. JSON.stringify writes no slash so, and `\u` only where nothing else is left. */
const ESCAPABLE = Uint8Array.from({ length: 256 }, (_, byte) => ('"\\bfnrt'.includes(String.fromCharCode(byte)) ? 1 : 0));

/** More than the four places that are looked at in one go. */
const MARGIN_BYTES = 8;
/** A larger body gets memory of its own, which the next one gives back. */
const KEPT_BYTES = 1 << 20;

/** New keys of one object are compared with each other, so there must not be many. */
const MAX_KEYS_OF_OBJECT = 64;
/** Two decimals of so many digits are never the same float, so the shorter of them is what is written (IEEE 754). */
const EXACT_DIGITS = 15;

/** Scans one value after another in the same bytes, which have to be UTF-8. Places are offsets into the bytes. */
export class PlainScanner {
  /** Start and end of the value of each wanted member; 0 where there is none. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Whether a backslash was met. */
  escapes = false;
  /** Keys of objects outside of lists. */
  keys = 0;
  #bytes = Buffer.allocUnsafeSlow(KEPT_BYTES);
  #view = viewOf(this.#bytes);
  #lists = 0;
  /** The keys of the objects that are open: where they begin, and their signatures. */
  readonly #keyAt = new Int32Array((LIMITS.maxDepth + 2) * MAX_KEYS_OF_OBJECT);
  readonly #signatures = new Int32Array(this.#keyAt.length);
  #openKeys = 0;

  readonly #paths: KeyPaths;
  /** In place of a key, for values that have none; nothing inside them is remembered. */
  readonly #noKey = new KeyPath(0, 0, -1, undefined, undefined, 0);

  /** `members`: those of `object` whose places are wanted, in so many slots. */
  constructor(slots: number, members?: Wanted) {
    this.#paths = new KeyPaths(members);
    this.from = new Int32Array(slots);
    this.to = new Int32Array(slots);
  }

  /**
   * Copies the bytes and puts zeros behind them, so that no place beyond memory is ever asked for: V8 keeps code that met
   * one general for ever after. One body that breaks off in a text made all later ones three times as dear (2.8 us an
   * event, then 8.0; Node 20.20).
   */
  begin(bytes: Buffer): void {
    const room = bytes.length + MARGIN_BYTES;
    if (room > this.#bytes.length || this.#bytes.length > KEPT_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(Math.max(room, KEPT_BYTES));
      this.#view = viewOf(this.#bytes);
    }
    this.#bytes.set(bytes);
    this.#bytes.fill(0, bytes.length, room);
    this.escapes = false;
    this.forget();
  }

  /** Forgets places, counts and what a refused scan left behind. */
  forget(): void {
    this.from.fill(0);
    this.keys = 0;
    this.#lists = 0;
    this.#openKeys = 0;
  }

  /** Where the value that begins at `at` ends; -1 when it is not plain or lies deeper than `LIMITS.maxDepth`. */
  value(at: number, depth: number, key = this.#noKey): number {
    const first = this.#bytes[at];
    if (first === QUOTE) return this.string(at);
    if (first === OPEN_OBJECT) return depth > LIMITS.maxDepth ? -1 : this.#members(at, depth, key.inside);
    if (first === OPEN_ARRAY) return depth > LIMITS.maxDepth ? -1 : this.#list(at, depth, key.element);
    if (first === 0x74) return this.#word(at, 0x72, 0x75, 0x65, 4); // true
    if (first === 0x6e) return this.#word(at, 0x75, 0x6c, 0x6c, 4); // null
    if (first === 0x66) return this.#bytes[at + 1] === 0x61 ? this.#word(at + 1, 0x6c, 0x73, 0x65, 4) : -1; // false
    return this.#number(at);
  }

  string(open: number): number {
    const bytes = this.#bytes;
    const view = this.#view;
    let at = open + 1;
    for (;;) {
      while (areOrdinary(view.getInt32(at, true))) at += 4;
      // Behind the end there is a zero, which is no ordinary byte.
      while (ORDINARY[bytes[at]!] === 1) at++;
      if (bytes[at] === QUOTE) return at + 1;
      if (bytes[at] !== BACKSLASH || ESCAPABLE[bytes[at + 1]!] !== 1) return -1;
      this.escapes = true;
      at += 2;
    }
  }

  /** Where the object ends that opens at `open`; the places of its wanted members are noted. */
  object(open: number): number {
    return this.#members(open, 0, this.#paths.start);
  }

  /** `path`: the beginning of such objects. */
  #members(open: number, depth: number, beginning: KeyPath): number {
    const bytes = this.#bytes;
    const firstKey = this.#openKeys;
    let path = beginning;
    let at = open + 1;
    if (bytes[at] === CLOSE_OBJECT) return at + 1;
    for (;;) {
      const key = this.#paths.find(path, this.#view, at) ?? this.#newKey(at, path, firstKey, beginning.wanted);
      if (key === undefined) return -1;
      this.#keyAt[this.#openKeys] = at + 1;
      this.#signatures[this.#openKeys++] = key.signature;
      if (this.#lists === 0) this.keys++;

      const start = at + key.size;
      at = bytes[start] === QUOTE ? this.string(start) : this.value(start, depth + 1, key);
      if (key.slot !== -1) {
        this.from[key.slot] = start;
        this.to[key.slot] = at;
      }
      if (at === -1) return -1;
      path = key;
      const next = bytes[at++];
      if (next === COMMA) continue;
      this.#openKeys = firstKey;
      return next === CLOSE_OBJECT ? at : -1;
    }
  }

  /** The key at `at`, which has not come behind `path` before; undefined when it is not plain, or the object has it already. */
  #newKey(at: number, path: KeyPath, firstKey: number, members: Wanted | undefined): KeyPath | undefined {
    const bytes = this.#bytes;
    if (bytes[at] !== QUOTE) return undefined;
    const end = this.string(at) - 1;
    if (end === -2 || bytes[end + 1] !== COLON) return undefined;
    const start = at + 1;
    const signature = signatureOf(bytes, start, end);
    if (this.#isOpen(firstKey, signature, start, end)) return undefined;
    // An object puts keys that are indexes first, wherever they were written.
    if (isDigit(bytes[start]!) && isDigit(bytes[end - 1]!)) return undefined;
    if (this.#openKeys - firstKey === MAX_KEYS_OF_OBJECT) return undefined;
    const member = wantedMember(members, signature, bytes, start, end);
    return this.#paths.add(path, this.#view, at, end + 2 - at, signature, member?.slot ?? -1, member?.inside);
  }

  #list(open: number, depth: number, element: KeyPath): number {
    const bytes = this.#bytes;
    let at = open + 1;
    if (bytes[at] === CLOSE_ARRAY) return at + 1;
    this.#lists++;
    for (;;) {
      at = this.value(at, depth + 1, element);
      if (at === -1) return -1;
      const next = bytes[at++];
      if (next === COMMA) continue;
      this.#lists--;
      return next === CLOSE_ARRAY ? at : -1;
    }
  }

  /**
   * Numbers of up to 15 digits are told by their form. Others are read and written again; those of 2^63 and beyond
   * would be written otherwise for ClickHouse (json-text.ts).
   */
  #number(start: number): number {
    const bytes = this.#bytes;
    const first = bytes[start] === MINUS ? start + 1 : start;
    let at = first;
    while (isDigit(bytes[at]!)) at++;
    const wholes = at - first;
    if (wholes === 0 || (bytes[first] === ZERO && (wholes > 1 || (first > start && bytes[at] !== POINT)))) return -1;
    let decimals = 0;
    if (bytes[at] === POINT) {
      const point = at++;
      while (isDigit(bytes[at]!)) at++;
      decimals = at - point - 1;
      if (decimals === 0 || bytes[at - 1] === ZERO) return -1;
    }
    const exponent = bytes[at] === 0x65; // e
    // Below 0.000001 an exponent is written.
    if (!exponent && wholes + decimals <= EXACT_DIGITS && (decimals <= 6 || bytes[first] !== ZERO)) return at;
    if (exponent) {
      at++;
      if (bytes[at] === MINUS || bytes[at] === 0x2b) at++;
      while (isDigit(bytes[at]!)) at++;
    }
    const text = bytes.toString('latin1', start, at);
    const value = Number(text);
    return Math.abs(value) < 2 ** 63 && String(value) === text ? at : -1;
  }

  #word(at: number, second: number, third: number, fourth: number, length: number): number {
    const bytes = this.#bytes;
    const is = bytes[at + 1] === second && bytes[at + 2] === third && bytes[at + 3] === fourth;
    return is ? at + length : -1;
  }

  /** Whether the object whose keys begin with `firstKey` has this key already. */
  #isOpen(firstKey: number, signature: number, start: number, end: number): boolean {
    const bytes = this.#bytes;
    for (let index = firstKey; index < this.#openKeys; index++) {
      if (this.#signatures[index] !== signature) continue;
      const known = this.#keyAt[index]!;
      let same = 0;
      while (start + same <= end && bytes[known + same] === bytes[start + same]) same++;
      // The closing quote was compared too.
      if (start + same > end) return true;
    }
    return false;
  }
}

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
