/**
 * One group commit of one topic and partition, as it lies in the log.
 *
 *   byte  0      format      UInt8    2: this layout, and the row layout of that number; 1: the same with rows before it
 *   bytes 1..3   zero
 *         4..7   checksum    UInt32   CRC-32 of all bytes from 8 on
 *         8..11  count       UInt32   records in the batch
 *        12..19  receivedAt  Float64  epoch ms of the latest record
 *        20..    frames: for each record UInt32 length and its bytes
 */
import { crc32 } from 'node:zlib';
import { LogCorrupt, LogFormatUnknown, type RecordBatch } from './log.ts';

/**
 * Any change of this layout or of the records' own takes the next number: 1, 2, 4, 7, 8, 11, 13, 14, … Each has an odd
 * number of one bits, so that a flipped bit never turns one into another: what is left is damage.
 */
const FORMAT = 2;
const READABLE: ReadonlySet<number> = new Set([1, FORMAT]);
export const HEADER_BYTES = 20;

/** From here on the memory of a batch is not kept for the next one: a burst should not hold it for ever. */
const MAX_KEPT_BYTES = 16 << 20;

/**
 * A batch while it is written. Its memory is used again: fresh memory for each batch costs 0.5 us an event in page faults,
 * and sends V8 looking for garbage.
 */
export class BatchWriter {
  #bytes = Buffer.allocUnsafeSlow(1 << 18);
  #end = HEADER_BYTES;
  #count = 0;

  /** Bytes of all frames. */
  get size(): number {
    return this.#end - HEADER_BYTES;
  }

  get count(): number {
    return this.#count;
  }

  /** Copies frames. */
  add(frames: Buffer, count: number): void {
    const end = this.#end + frames.length;
    if (end > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#end);
      this.#bytes = grown;
    }
    frames.copy(this.#bytes, this.#end);
    this.#end = end;
    this.#count += count;
  }

  /** The batch, valid until `clear`. */
  finish(receivedAtMs: number): Buffer {
    const bytes = this.#bytes.subarray(0, this.#end);
    bytes.writeUInt32LE(FORMAT, 0);
    bytes.writeUInt32LE(this.#count, 8);
    bytes.writeDoubleLE(receivedAtMs, 12);
    bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
    return bytes;
  }

  clear(): void {
    if (this.#bytes.length > MAX_KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(1 << 18);
    this.#end = HEADER_BYTES;
    this.#count = 0;
  }
}

/** Throws LogCorrupt when the checksum does not hold, LogFormatUnknown when another version wrote the batch. */
export function decodeBatch(bytes: Buffer, baseOffset: number, where: string): RecordBatch {
  const fault = batchFault(bytes);
  if (fault === 'format') throw new LogFormatUnknown(`The batch at offset ${baseOffset} of ${where} has format ${bytes[0]}; it was written by a newer Tidemark.`);
  if (fault !== undefined) throw new LogCorrupt(`The batch at offset ${baseOffset} of ${where} fails its checksum; restore the log from a backup.`);
  return {
    baseOffset,
    format: bytes[0]!,
    count: bytes.readUInt32LE(8),
    receivedAtMs: bytes.readDoubleLE(12),
    bytes: bytes.subarray(HEADER_BYTES),
  };
}

/** What is wrong with a batch: `format`, it was written by another version; `checksum`, it is damaged; else undefined. */
export function batchFault(bytes: Buffer): 'format' | 'checksum' | undefined {
  const format = bytes.length < HEADER_BYTES ? 0 : bytes.readUInt32LE(0);
  if (READABLE.has(format)) return bytes.readUInt32LE(4) === crc32(bytes.subarray(8)) ? undefined : 'checksum';
  return format < 256 && oneBits(format) % 2 === 1 ? 'format' : 'checksum';
}

function oneBits(byte: number): number {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
}

/** The header's count and time without checking the body: for offsets and retention. */
export function batchHead(bytes: Buffer): { count: number; receivedAtMs: number } {
  return { count: bytes.readUInt32LE(8), receivedAtMs: bytes.readDoubleLE(12) };
}
