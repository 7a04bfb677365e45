/**
 * SQLite reads its write-ahead log up to the first frame whose checksum does not hold, and takes the rest for a write
 * that never ended. Where a later transaction stands behind it that can't be: each is synced before the next begins. Then
 * committed changes would be forgotten in silence, and a revoked key be alive again.
 * Format: https://sqlite.org/fileformat2.html#the_write_ahead_log
 */
import { existsSync, readFileSync } from 'node:fs';

const HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;

/** Whether committed transactions lie behind a broken frame of the log at `path`. */
export function walIsDamaged(path: string): boolean {
  if (!existsSync(path)) return false;
  const log = readFileSync(path);
  if (log.length <= HEADER_BYTES) return false;
  const magic = log.readUInt32BE(0);
  const pageBytes = log.readUInt32BE(8);
  const sum = (magic & 1) === 1 ? sumBigEndian : sumLittleEndian;
  const headerHolds = (magic & ~1) >>> 0 === 0x377f0682 && sameSum(sum(log, 0, 24, [0, 0]), log, 24) && pageBytes >= 512;
  if (!headerHolds) return transactionsFrom(log, HEADER_BYTES, guessedPageBytes(log), undefined) > 1;
  let running: [number, number] = [log.readUInt32BE(24), log.readUInt32BE(28)];
  const salt = log.toString('latin1', 16, 24);
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  for (let at = HEADER_BYTES; at + frameBytes <= log.length; at += frameBytes) {
    running = sum(log, at + FRAME_HEADER_BYTES, pageBytes, sum(log, at, 8, running));
    const holds = log.toString('latin1', at + 8, at + 16) === salt && sameSum(running, log, at + 16);
    // What is left of the time before the log was begun anew has another salt, and is none of this.
    if (!holds) return transactionsFrom(log, at, pageBytes, salt) > 1;
  }
  return false;
}

/** Transactions that end, or at least begin, in the frames from `from` on that carry `salt` (any, when it is not known). */
function transactionsFrom(log: Buffer, from: number, pageBytes: number, salt: string | undefined): number {
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  let ended = 0;
  let open = false;
  for (let at = from; at + FRAME_HEADER_BYTES <= log.length; at += frameBytes) {
    // The broken frame itself is counted: its salt may be what is broken.
    if (at !== from && log.toString('latin1', at + 8, at + 16) !== (salt ??= log.toString('latin1', at + 8, at + 16))) continue;
    open = true;
    if (log.readUInt32BE(at + 4) === 0) continue;
    ended++;
    open = false;
  }
  return ended + (open ? 1 : 0);
}

/** Of a log whose header is broken: ours all have pages of SQLite's default size. */
function guessedPageBytes(log: Buffer): number {
  const told = log.readUInt32BE(8);
  return [512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536].includes(told) ? told : 4096;
}

function sameSum([first, second]: [number, number], log: Buffer, at: number): boolean {
  return log.readUInt32BE(at) === first && log.readUInt32BE(at + 4) === second;
}

function sumLittleEndian(bytes: Buffer, from: number, size: number, [first, second]: [number, number]): [number, number] {
  for (let at = from; at < from + size; at += 8) {
    first = (first + bytes.readUInt32LE(at) + second) >>> 0;
    second = (second + bytes.readUInt32LE(at + 4) + first) >>> 0;
  }
  return [first, second];
}

function sumBigEndian(bytes: Buffer, from: number, size: number, [first, second]: [number, number]): [number, number] {
  for (let at = from; at < from + size; at += 8) {
    first = (first + bytes.readUInt32BE(at) + second) >>> 0;
    second = (second + bytes.readUInt32BE(at + 4) + first) >>> 0;
  }
  return [first, second];
}
