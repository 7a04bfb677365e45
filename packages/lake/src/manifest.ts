/**
 * The lake's manifest: which files count, and which log ranges each of them holds. Readers, rebuild and the
 * processor's second try trust only this file; a Parquet file that it does not name is litter from a kill.
 *
 * An append-only text of lines `crc32-hex SP json`, synced before the caller goes on. A line is one atomic change:
 * files added, files replaced. A torn last line never happened, unless it was synced, which `manifest.end` (end-note.ts)
 * tells; a line that was synced and is broken or gone is LakeCorrupt.
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { OffsetRange } from '@tidemark/warehouse';
import { readEndNote, writeEndNote } from './end-note.ts';

export interface LakeFile {
  /** Path below the lake's folder, with `/`. */
  path: string;
  rows: number;
  bytes: number;
  /** Log ranges whose kept events are in this file (a compacted file names all those of its sources). */
  ranges: OffsetRange[];
  /** Event times of the rows, epoch ms, inclusive. */
  fromMs: number;
  toMs: number;
}

interface Change {
  add: LakeFile[];
  remove: string[];
}

export class LakeCorrupt extends Error {
  readonly code = 'lake_corrupt';
}

export class Manifest {
  /** There was none. */
  readonly isNew: boolean;
  readonly #path: string;
  readonly #descriptor: number;
  readonly #files = new Map<string, LakeFile>();
  #bytes = 0;
  /** There may be something behind `#bytes`. */
  #torn = false;

  /** Throws LakeCorrupt; the file is then left as it is. */
  constructor(path: string) {
    this.#path = path;
    this.isNew = !existsSync(path);
    const text = this.isNew ? Buffer.alloc(0) : readFileSync(path);
    const synced = readEndNote(path) ?? 0;
    let at = 0;
    while (at < text.length) {
      const end = text.indexOf(0x0a, at);
      const change = end === -1 ? undefined : parseLine(text.toString('utf8', at, end));
      if (change === undefined) {
        if (end !== -1 && end + 1 < text.length) {
          throw new LakeCorrupt(`The lake's manifest ${path} is broken at byte ${at}; restore it from a backup.`);
        }
        break;
      }
      this.#apply(change);
      at = end + 1;
    }
    if (at < synced) throw new LakeCorrupt(`The lake's manifest ${path} is broken at byte ${at}, of ${synced} that were synced; restore it from a backup.`);
    this.#descriptor = openSync(path, 'a');
    if (this.isNew) syncFolder(dirname(path));
    // A torn tail must not stand in front of the next line.
    if (at < text.length) ftruncateSync(this.#descriptor, at);
    this.#bytes = at;
  }

  get files(): Iterable<LakeFile> {
    return this.#files.values();
  }

  has(path: string): boolean {
    return this.#files.has(path);
  }

  /** Durable when it returns. */
  change(change: Change): void {
    const json = JSON.stringify(change);
    const line = Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
    // What a failed try left must not stand in front of the next line. Nor is it to be trusted where it looks whole: after
    // a failed fsync it may be in the cache and not on the disk, so everything behind the last durable byte is written anew.
    if (this.#torn) ftruncateSync(this.#descriptor, this.#bytes);
    this.#torn = true;
    try {
      for (let written = 0; written < line.length; ) written += writeSync(this.#descriptor, line, written);
      fsyncSync(this.#descriptor);
    } catch (error) {
      this.#cutTornTail();
      throw error;
    }
    this.#torn = false;
    this.#bytes += line.length;
    writeEndNote(this.#path, this.#bytes);
    this.#apply(change);
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  /** At once, for a start would refuse what is torn. A disk that fails may not even take that: the next change tries again. */
  #cutTornTail(): void {
    try {
      ftruncateSync(this.#descriptor, this.#bytes);
      this.#torn = false;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  #apply({ add, remove }: Change): void {
    for (const path of remove) this.#files.delete(path);
    for (const file of add) this.#files.set(file.path, file);
  }
}

/** A file that is made anew has a name for good only when its folder is synced. */
function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  fsyncSync(descriptor);
  closeSync(descriptor);
}

function parseLine(line: string): Change | undefined {
  const json = line.slice(9);
  if (line[8] !== ' ' || Number.parseInt(line.slice(0, 8), 16) !== crc32(json)) return undefined;
  return JSON.parse(json) as Change;
}
