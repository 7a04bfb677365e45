/**
 * One group commit of one topic and partition, as it lies in the log.
 *
 *   byte  0      format      UInt8    1
 *   bytes 1..3   zero
 *         4..7   checksum    UInt32   CRC-32 of all bytes from 8 on
 *         8..11  count       UInt32   records in the batch
 *        12..19  receivedAt  Float64  epoch ms of the latest record
 *        20..    frames: for each record UInt32 length and its bytes
 */
import { crc32 } from 'node:zlib';
import { LogCorrupt, type RecordBatch } from './log.ts';

const FORMAT = 1;
const HEADER_BYTES = 20;

export function encodeBatch(chunks: readonly Buffer[], count: number, receivedAtMs: number): Buffer {
  let size = HEADER_BYTES;
  for (const chunk of chunks) size += chunk.length;
  const bytes = Buffer.allocUnsafeSlow(size);
  bytes.writeUInt32LE(FORMAT, 0);
  bytes.writeUInt32LE(count, 8);
  bytes.writeDoubleLE(receivedAtMs, 12);
  let at = HEADER_BYTES;
  for (const chunk of chunks) at += chunk.copy(bytes, at);
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}

/** Throws LogCorrupt when the checksum or the frame lengths do not hold. */
export function decodeBatch(bytes: Buffer, baseOffset: number, where: string): RecordBatch {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== FORMAT || bytes.readUInt32LE(4) !== crc32(bytes.subarray(8))) {
    throw new LogCorrupt(`The batch at offset ${baseOffset} of ${where} fails its checksum; restore the log from a backup.`);
  }
  return {
    baseOffset,
    count: bytes.readUInt32LE(8),
    receivedAtMs: bytes.readDoubleLE(12),
    bytes: bytes.subarray(HEADER_BYTES),
  };
}

/** The header's count and time without checking the body: for offsets and retention. */
export function batchHead(bytes: Buffer): { count: number; receivedAtMs: number } {
  return { count: bytes.readUInt32LE(8), receivedAtMs: bytes.readDoubleLE(12) };
}
