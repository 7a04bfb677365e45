import { crc32 } from 'node:zlib';
import type { StoredEvent } from './event.ts';
import { dedupKeyText, PREFIX, PREFIX_BYTES, STRING_COLUMNS, writeInt64 } from './row.ts';

/** Lengths below 128 are one byte, and that byte is an ASCII character. */
const SHORT_LENGTHS = Array.from({ length: 128 }, (_, length) => String.fromCharCode(length));
const COLUMNS = STRING_COLUMNS.map(([, property]) => property);

/** Writes rows one after another into a buffer that grows. */
export class RowWriter {
  #bytes: Buffer;
  #end = 0;
  /** Long strings of the row being written: where the length goes, and the length. */
  readonly #longAt: number[] = [];
  readonly #longLength: number[] = [];

  constructor(initialBytes = 1 << 20) {
    this.#bytes = Buffer.allocUnsafeSlow(initialBytes);
  }

  get length(): number {
    return this.#end;
  }

  /** Appends one row and returns its size in bytes. */
  write(event: StoredEvent): number {
    const start = this.#end;
    this.#reserve(PREFIX_BYTES);
    const bytes = this.#bytes;
    writeInt64(bytes, start + PREFIX.offset, 0);
    bytes.write(dedupKeyText(event.project, event.eventId), start + PREFIX.key, 'latin1');
    bytes.writeUInt32LE(contentHash(event), start + PREFIX.content);
    bytes.writeUInt16LE(event.flags, start + PREFIX.flags);
    bytes[start + PREFIX.bot] = event.bot ? 1 : 0;
    writeInt64(bytes, start + PREFIX.time, event.timeMs);
    writeInt64(bytes, start + PREFIX.receivedAt, event.receivedAtMs);
    writeInt64(bytes, start + PREFIX.originalTime, event.originalTimeMs);
    writeInt64(bytes, start + PREFIX.sequence, event.sequence);
    this.#end = start + PREFIX_BYTES;
    this.#strings(event);
    return this.#end - start;
  }

  /** Appends one row as a log frame, its length (UInt32) before it; all of it, or nothing when it throws. */
  writeFramed(event: StoredEvent): void {
    const frame = this.#end;
    try {
      this.#reserve(4);
      this.#end += 4;
      // First the row: writing it may move the bytes to larger memory.
      const size = this.write(event);
      this.#bytes.writeUInt32LE(size, frame);
    } catch (error) {
      this.#end = frame;
      throw error;
    }
  }

  /** The bytes written so far, valid for ever; the writer starts on fresh memory. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    this.#bytes = Buffer.allocUnsafeSlow(Math.max(1 << 16, this.#end));
    this.#end = 0;
    return taken;
  }

  /** The bytes written so far, copied into memory of just their size; the writer keeps its own and starts anew. */
  drain(): Buffer {
    const drained = Buffer.allocUnsafeSlow(this.#end);
    this.#bytes.copy(drained, 0, 0, this.#end);
    this.#end = 0;
    return drained;
  }

  /**
   * All strings in one go: joined, with their lengths between them, and written by one native call instead of one for
   * each (0.5 us against 2.5 us). That holds when all of it is ASCII, which shows when as many bytes as characters
   * were written; otherwise the strings are written again one by one.
   */
  #strings(event: StoredEvent): void {
    let joined = '';
    let long = 0;
    for (let column = 0; column < COLUMNS.length; column++) {
      const text = event[COLUMNS[column]!] ?? '';
      const { length } = text;
      if (length < 128) {
        joined += SHORT_LENGTHS[length]! + text;
      } else {
        this.#longAt[long] = joined.length;
        this.#longLength[long++] = length;
        joined += (length < 1 << 14 ? '\0\0' : length < 1 << 21 ? '\0\0\0' : '\0\0\0\0') + text;
      }
    }
    this.#reserve(joined.length * 3);
    const at = this.#end;
    const written = this.#bytes.write(joined, at);
    if (written !== joined.length) {
      for (const column of COLUMNS) this.#string(event[column] ?? '');
      return;
    }
    for (let index = 0; index < long; index++)
      writeLength(this.#bytes, at + this.#longAt[index]!, this.#longLength[index]!);
    this.#end = at + written;
  }

  #string(text: string): void {
    const size = Buffer.byteLength(text);
    this.#reserve(size + 5);
    const at = writeLength(this.#bytes, this.#end, size);
    this.#end = at + this.#bytes.write(text, at);
  }

  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#end + more));
    this.#bytes.copy(grown, 0, 0, this.#end);
    this.#bytes = grown;
  }
}

/** LEB128; returns where the bytes of the string begin. */
function writeLength(bytes: Buffer, at: number, length: number): number {
  let rest = length;
  let end = at;
  while (rest >= 0x80) {
    bytes[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[end++] = rest;
  return end;
}

/** CRC-32 over what the client said (not what the server added), so that a retry by another address is no conflict. */
function contentHash(event: StoredEvent): number {
  return crc32(`${event.eventName}\0${event.userId}\0${event.anonymousId}\0${event.type}\0${event.properties}`);
}
