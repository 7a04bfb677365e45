import type { JsonValue } from '../event.ts';
import type { Memory } from '../row/row-bytes.ts';

/** A power of two. */
const PLACES = 1 << 12;
const MAX_BYTES = 192;
/** 2^32 over the golden ratio: spreads what differs in a few bits over all of them (Knuth, TAOCP 6.4). */
const SPREAD = 0x9e3779b1 | 0;

/**
 * Texts that come again and again (user agents, addresses of pages), by the bytes that they came as: the same bytes give the very same
 * string, in memory of its own, and V8 knows its hash from the time before. Each text has one place; another one takes it over.
 */
export class KnownTexts {
  readonly #values = Array.from<JsonValue>({ length: PLACES }).fill(null);
  readonly #sizes = new Uint8Array(PLACES);
  readonly #words = new Int32Array((PLACES * MAX_BYTES) / 4);
  readonly #read: (start: number, end: number) => JsonValue;

  /** `read` gives what the bytes of the memory at hand mean; always the same for the same bytes. */
  constructor(read: (start: number, end: number) => JsonValue) {
    this.#read = read;
  }

  /** What the bytes from `start` to `end` mean. */
  get(memory: Memory, start: number, end: number): JsonValue {
    const size = end - start;
    if (size < 4 || size > MAX_BYTES) return this.#read(start, end);
    const { view } = memory;
    // The last word may begin within the one before it.
    const last = end - 4;
    // Two at a time: neither waits for the other.
    let one = size;
    let other = view.getInt32(last, true);
    for (let at = start; at < last - 4; at += 8) {
      one = mixed(one, view.getInt32(at, true));
      other = mixed(other, view.getInt32(at + 4, true));
    }
    const place = mixed(one, mixed(other, view.getInt32(Math.max(start, last - 4), true))) >>> 20;
    if (this.#sizes[place] === size && this.#isAt(place, view, start, last)) return this.#values[place]!;
    return this.#take(place, view, start, end);
  }

  #isAt(place: number, view: DataView, start: number, last: number): boolean {
    const words = this.#words;
    let word = (place * MAX_BYTES) / 4;
    for (let at = start; at < last; at += 4) if (words[word++] !== view.getInt32(at, true)) return false;
    return words[word] === view.getInt32(last, true);
  }

  #take(place: number, view: DataView, start: number, end: number): JsonValue {
    const words = this.#words;
    let word = (place * MAX_BYTES) / 4;
    const last = end - 4;
    for (let at = start; at < last; at += 4) words[word++] = view.getInt32(at, true);
    words[word] = view.getInt32(last, true);
    this.#sizes[place] = end - start;
    return (this.#values[place] = this.#read(start, end));
  }
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, SPREAD);
  return (product << 13) | (product >>> 19);
}
