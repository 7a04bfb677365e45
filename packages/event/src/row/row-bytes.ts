/** Words of four bytes are copied whole, so up to three bytes behind what was asked for are written too. */
const MARGIN_BYTES = 8;
/** From here on a native call is worth its 0.1 us. */
const LONG_BYTES = 1_024;

/** Bytes, and the same bytes as words. */
export interface Memory {
  readonly bytes: Buffer;
  readonly view: DataView;
}

export function memoryOf(bytes: Buffer): Memory {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) };
}

/** Bytes of rows, written one behind the other into memory that grows and is used again. */
export class RowBytes implements Memory {
  bytes: Buffer;
  view: DataView;
  end = 0;

  constructor(initialBytes: number) {
    ({ bytes: this.bytes, view: this.view } = memoryOf(Buffer.allocUnsafeSlow(initialBytes + MARGIN_BYTES)));
  }

  /** What was written so far; the memory stays ours. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.end);
  }

  /** Goes on in other memory: what was written so far is somebody else's. */
  renew(initialBytes: number): void {
    ({ bytes: this.bytes, view: this.view } = memoryOf(Buffer.allocUnsafeSlow(initialBytes + MARGIN_BYTES)));
    this.end = 0;
  }

  /** Makes room behind `end`. To be called before anything is written, but for `copy`. */
  reserve(more: number): void {
    if (this.end + more + MARGIN_BYTES > this.bytes.length) this.#grow(more);
  }

  #grow(more: number): void {
    const { bytes, end } = this;
    ({ bytes: this.bytes, view: this.view } = memoryOf(Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, end + more + MARGIN_BYTES))));
    bytes.copy(this.bytes, 0, 0, end);
  }

  byte(byte: number): void {
    this.bytes[this.end++] = byte;
  }

  /** LEB128, at most five bytes. */
  length(length: number): void {
    let rest = length;
    while (rest >= 0x80) {
      this.bytes[this.end++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.bytes[this.end++] = rest;
  }

  /** The bytes of `source` from `start` to `end`. */
  copy(source: Memory, start: number, end: number): void {
    const size = end - start;
    this.reserve(size);
    if (size > LONG_BYTES || end + MARGIN_BYTES > source.bytes.length) source.bytes.copy(this.bytes, this.end, start, end);
    else {
      const from = source.view;
      const to = this.view;
      for (let at = start, next = this.end; at < end; at += 4, next += 4) to.setInt32(next, from.getInt32(at, true), true);
    }
    this.end += size;
  }

  /** UTF-8; halves of surrogate pairs become the replacement character. Returns how many bytes that are. */
  text(text: string): number {
    this.reserve(text.length * 3);
    const size = this.bytes.write(text, this.end);
    this.end += size;
    return size;
  }

  float64(value: number): void {
    this.view.setFloat64(this.end, value, true);
    this.end += 8;
  }

  /** `value` is a safe integer. */
  int64(value: number): void {
    const high = Math.floor(value / 0x1_0000_0000);
    this.view.setUint32(this.end, value - high * 0x1_0000_0000, true);
    this.view.setInt32(this.end + 4, high, true);
    this.end += 8;
  }

  bigInt64(value: bigint): void {
    this.view.setBigInt64(this.end, value, true);
    this.end += 8;
  }
}
