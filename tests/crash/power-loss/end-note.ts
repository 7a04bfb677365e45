import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/**
 * A disk built in a folder is a copy, and beside a copy the log's note of its end says nothing (end-note.ts in
 * packages/log). Makes a whole note speak of the log in `folder`, as it would on the disk itself.
 */
export function adoptEndNote(folder: string): void {
  const [path, log] = [join(folder, 'ends'), join(folder, 'data.mdb')];
  if (!existsSync(path) || !existsSync(log)) return;
  const bytes = readFileSync(path);
  if (bytes.length !== 52 || bytes.readUInt32LE(48) !== crc32(bytes.subarray(0, 48))) return;
  const { ino, birthtimeMs } = statSync(log);
  bytes.writeDoubleLE(ino, 32);
  bytes.writeDoubleLE(birthtimeMs, 40);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 48)), 48);
  writeFileSync(path, bytes);
}
