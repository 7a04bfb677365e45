/**
 * `manifest.end`: how many bytes of the manifest are synced. Written behind each sync and never synced itself, so it may
 * lag behind the manifest and is never ahead of it: a manifest that ends before it has lost lines, and its last line,
 * when it is broken, was no torn write. It speaks of one file (by its inode and
 * its birth): beside a copy it says nothing.
 */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** Undefined when there is none for this very file, or when it is broken: it is only a second witness. */
export function readEndNote(manifestPath: string): number | undefined {
  const path = notePath(manifestPath);
  if (!existsSync(path) || !existsSync(manifestPath)) return undefined;
  const [checksum, file, bytes] = readFileSync(path, 'latin1').trim().split(' ');
  if (checksum !== checksumOf(`${file} ${bytes}`) || file !== identityOf(manifestPath)) return undefined;
  return Number(bytes);
}

/** A note that can't be written stays behind, which is allowed. */
export function writeEndNote(manifestPath: string, bytes: number): void {
  const facts = `${identityOf(manifestPath)} ${bytes}`;
  try {
    writeFileSync(notePath(manifestPath), `${checksumOf(facts)} ${facts}\n`);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

function notePath(manifestPath: string): string {
  return manifestPath.replace(/ndjson$/, 'end');
}

function identityOf(path: string): string {
  const { ino, birthtimeMs } = statSync(path);
  return `${ino}:${birthtimeMs}`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
