/** A file to import, plain or gzipped, known by the hash of what it holds. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { Transform } from 'node:stream';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CommandProblem } from '../command.ts';
import { systemCode } from '../start-problem.ts';

export interface SourceFile {
  path: string;
  /** Hex, over the uncompressed content: `x.csv` and `x.csv.gz` are the same import. */
  sha256: string;
  /** Bytes of the uncompressed content. */
  sizeBytes: number;
  /** From the start again; `onBytes` is told how many uncompressed bytes were read. */
  read(onBytes?: (count: number) => void): Readable;
}

/** Reads it through once. @throws CommandProblem when it can't be read */
export async function openSourceFile(path: string, signal: AbortSignal): Promise<SourceFile> {
  try {
    const gzipped = await startsLikeGzip(path);
    const read = (onBytes: (count: number) => void = () => {}): Readable => readThrough(path, gzipped, onBytes);
    const hash = createHash('sha256');
    let sizeBytes = 0;
    for await (const chunk of read() as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      hash.update(chunk);
      sizeBytes += chunk.length;
    }
    return { path, sha256: hash.digest('hex'), sizeBytes, read };
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new CommandProblem(
      `The file ${path} can't be read (${systemCode(cause) || String(cause)}).`,
      'give a readable NDJSON or CSV file, plain or gzipped.',
      { cause },
    );
  }
}

/** RFC 1952 section 2.3.1: every member begins with 1f 8b. */
async function startsLikeGzip(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function readThrough(path: string, gzipped: boolean, onBytes: (count: number) => void): Readable {
  const counted = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      onBytes(chunk.length);
      done(null, chunk);
    },
  });
  const file = createReadStream(path, { highWaterMark: 1 << 17 });
  // An error on the way destroys `counted` with it, and whoever reads it is told.
  const copied = gzipped ? pipeline(file, createGunzip(), counted) : pipeline(file, counted);
  copied.catch(() => {});
  return counted;
}
