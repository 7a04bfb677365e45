import { freeMemory } from './free-memory.ts';

/**
 * An answer in ClickHouse's format RowBinary: values one after another, nothing between them
 * (https://clickhouse.com/docs/interfaces/formats/RowBinary). Who asked knows the columns and reads them in their order.
 */
export class RowBinary {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** There are no more rows. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** UInt8. */
  uint8(): number {
    return this.#bytes.readUInt8(this.#take(1));
  }

  /** Int64, also a DateTime64 in its own unit, and a UInt64 below 2^63. Beyond 2^53 it is the nearest number, as of JSON. */
  int64(): number {
    const at = this.#take(8);
    return this.#bytes.readUInt32LE(at) + this.#bytes.readInt32LE(at + 4) * 2 ** 32;
  }

  /** String. `before`: one that it is likely the same as; to compare them is cheaper than to make another. */
  text(before = ''): string {
    const length = this.#length();
    const from = this.#take(length);
    if (length === 0) return '';
    return length === before.length && this.#lies(before, from) ? before : this.#bytes.toString('utf8', from, from + length);
  }

  /** Where the next value begins: a place to come back to. */
  get place(): number {
    return this.#at;
  }

  /** Goes on there. */
  goTo(place: number): void {
    this.#at = place;
  }

  /** Where a String lies that may not be needed; leaves it out. */
  placeOfText(): number {
    const at = this.#at;
    this.skipText();
    return at;
  }

  /** The String that lies there. */
  textAt(place: number): string {
    const at = this.#at;
    this.#at = place;
    const text = this.text();
    this.#at = at;
    return text;
  }

  /** The bytes of the String that lies there, in the memory of the whole answer. */
  bytesAt(place: number): Buffer {
    const at = this.#at;
    this.#at = place;
    const bytes = this.bytes();
    this.#at = at;
    return bytes;
  }

  /** Gives its memory back at once: nothing can be read of it any more. */
  free(): void {
    freeMemory(this.#bytes);
  }

  /** The bytes of a String, in the memory of the whole answer. */
  bytes(): Buffer {
    const length = this.#length();
    const from = this.#take(length);
    return this.#bytes.subarray(from, from + length);
  }

  /** Leaves out a String. */
  skipText(): void {
    this.#take(this.#length());
  }

  /** Leaves out an Int64. */
  skipInt64(): void {
    this.#take(8);
  }

  /** Whether `text`, in ASCII, lies there. */
  #lies(text: string, from: number): boolean {
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80 || unit !== this.#bytes[from + i]) return false;
    }
    return true;
  }

  #length(): number {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.uint8();
      length += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return length;
    }
  }

  /** Where the next `bytes` begin. */
  #take(bytes: number): number {
    const from = this.#at;
    this.#at += bytes;
    if (this.#at > this.#bytes.length) throw new RangeError(`an answer of ${this.#bytes.length} bytes ends within a value`);
    return from;
  }
}
