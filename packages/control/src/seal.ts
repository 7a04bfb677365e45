/**
 * `control.db.seal`: size, time of change and hash of the control file as it was last closed. SQLite's own check looks at
 * the structure of the file and not at what stands in its rows: with a letter of a key flipped, the key would be gone.
 * Once anybody has written to the file the seal says nothing any more, so it needs no care by those who write.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Seals the file unless somebody writes to it meanwhile, or part of it still stands in the write-ahead log. */
export function seal(path: string): void {
  if (sizeOf(`${path}-wal`) > 0) return;
  const before = stampOf(path);
  const facts = `${before} ${hashOf(path)}`;
  if (stampOf(path) !== before) return;
  writeFileSync(`${path}.seal.next`, `${checksumOf(facts)} ${facts}\n`, { mode: 0o600 });
  renameSync(`${path}.seal.next`, `${path}.seal`);
}

/** Whether the file has changed though nobody wrote to it. A seal that is broken itself says nothing. */
export function sealIsBroken(path: string): boolean {
  if (!existsSync(`${path}.seal`)) return false;
  // SQLite would begin one anew that is gone or empty.
  if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) === 0) return true;
  const [checksum = '', stamp = '', hash = ''] = readFileSync(`${path}.seal`, 'latin1').trim().split(' ');
  if (checksum !== checksumOf(`${stamp} ${hash}`) || stamp.split(':')[1] !== stampOf(path).split(':')[1]) return false;
  return `${stamp} ${hash}` !== `${stampOf(path)} ${hashOf(path)}`;
}

/** A cut leaves the time of change as it was when a disk does it. */
function stampOf(path: string): string {
  const { size, mtimeMs } = statSync(path);
  return `${size}:${Math.floor(mtimeMs)}`;
}

function hashOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
