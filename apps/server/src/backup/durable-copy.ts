/** Copies that are on disk when they are said to be, with the hash of what went through. */
import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

const CHUNK_BYTES = 1 << 20;

export interface Copied {
  bytes: number;
  /** SHA-256, hex. */
  sha256: string;
}

/** Copies a file, with its rights, to one that must not exist; synced, its folder is not. Reads the source once. */
export async function copyDurably(from: string, to: string): Promise<Copied> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const source = await open(from, 'r');
  try {
    const { mode } = await source.stat();
    const target = await open(to, 'wx', mode & 0o777);
    try {
      const copied = await readThrough(source, (chunk) => writeAll(target, chunk));
      await target.sync();
      return copied;
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

export async function hashFile(path: string): Promise<Copied> {
  const source = await open(path, 'r');
  try {
    return await readThrough(source, async () => {});
  } finally {
    await source.close();
  }
}

async function readThrough(source: FileHandle, take: (chunk: Buffer) => Promise<void>): Promise<Copied> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') };
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await take(chunk);
    bytes += bytesRead;
  }
}

async function writeAll(target: FileHandle, chunk: Buffer): Promise<void> {
  for (let written = 0; written < chunk.length; ) written += (await target.write(chunk, written)).bytesWritten;
}

/** Makes a file's bytes, or a folder's entries, survive a power loss. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
