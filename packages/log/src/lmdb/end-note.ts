/**
 * `log/ends`: where the log ended after its last commit, beside it. Written behind each commit's fsync and never synced
 * itself, so that it may lag behind the log, and never be ahead of it: not after a kill, not after a power loss. When it
 * is, the log has lost what was acknowledged (a disk that only said that it had synced, a file put back from a copy),
 * which the log alone could not tell from the end of its records.
 *
 * It speaks of one file (by its inode and its birth): beside a copy it says nothing.
 *
 *   0 epoch, 16 letters · 16 end of events, 24 of quarantine, 32 inode, 40 birth (epoch ms) Float64 · 48 CRC-32 of the bytes before
 */
import { closeSync, existsSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Topic } from '../position.ts';

const FILE = 'ends';
const BYTES = 52;
const CHECKED_BYTES = 48;

export interface EndNote {
  epoch: string;
  ends: Record<Topic, number>;
}

/** Undefined when there is none for this very log, or when it was torn by a power loss: it is only a second witness. */
export function readEndNote(folder: string): EndNote | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  const bytes = readFileSync(path);
  if (bytes.length !== BYTES || bytes.readUInt32LE(CHECKED_BYTES) !== crc32(bytes.subarray(0, CHECKED_BYTES))) return undefined;
  const { ino, birthtimeMs } = statSync(join(folder, 'data.mdb'));
  if (bytes.readDoubleLE(32) !== ino || bytes.readDoubleLE(40) !== birthtimeMs) return undefined;
  return { epoch: bytes.toString('latin1', 0, 16), ends: { events: bytes.readDoubleLE(16), quarantine: bytes.readDoubleLE(24) } };
}

export class EndNoteWriter {
  readonly #descriptor: number;
  readonly #bytes = Buffer.alloc(BYTES);

  constructor(folder: string, epoch: string) {
    this.#descriptor = openSync(join(folder, FILE), existsSync(join(folder, FILE)) ? 'r+' : 'w+');
    this.#bytes.write(epoch, 0, 16, 'latin1');
    const { ino, birthtimeMs } = statSync(join(folder, 'data.mdb'));
    this.#bytes.writeDoubleLE(ino, 32);
    this.#bytes.writeDoubleLE(birthtimeMs, 40);
  }

  /** To be called once everything before the ends is synced. A note that can't be written stays behind, which is allowed. */
  write(topic: Topic, end: number): void {
    this.#bytes.writeDoubleLE(end, topic === 'events' ? 16 : 24);
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(0, CHECKED_BYTES)), CHECKED_BYTES);
    try {
      writeSync(this.#descriptor, this.#bytes, 0, BYTES, 0);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
