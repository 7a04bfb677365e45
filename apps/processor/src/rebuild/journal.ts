/**
 * What a rebuild has done, so that the next start finishes or goes on with it: an append-only text of lines
 * `crc32-hex SP json`, each synced before the rebuild goes on. A torn last line never happened. It stays, ended, until the
 * next rebuild begins.
 */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import type { RebuildScope } from './scope.ts';

export interface Begun {
  scope: RebuildScope;
  startedAtMs: number;
  /** Those that are replaced; null = the tables as a whole. */
  partitions: string[] | null;
  /** Of the shadows, as they were created. */
  definition: string;
}

export interface Ended {
  as: 'done' | 'failed' | 'cancelled';
  atMs: number;
  rows: number;
  code?: string;
  detail?: string;
}

export interface JournalState {
  begun: Begun;
  /** Paths of files of the lake that are in the shadows, and the rows of them. */
  copied: Set<string>;
  rows: number;
  /** Shadows are taking the tables' places: table -> UUID of its shadow. */
  swapping: Record<string, string> | undefined;
  swapped: boolean;
  ended: Ended | undefined;
}

type Line = { begun: Begun } | { copied: string[]; rows: number } | { swapping: Record<string, string> } | { swapped: true } | { ended: Ended };

/** undefined when there is none, or when its first line is broken: then nothing was begun. */
export function readJournal(path: string): JournalState | undefined {
  if (!existsSync(path)) return undefined;
  let state: JournalState | undefined;
  for (const text of readFileSync(path, 'utf8').split('\n')) {
    const json = text.slice(9);
    if (text[8] !== ' ' || Number.parseInt(text.slice(0, 8), 16) !== crc32(json)) break;
    const line = JSON.parse(json) as Line;
    if ('begun' in line) state = { begun: line.begun, copied: new Set(), rows: 0, swapping: undefined, swapped: false, ended: undefined };
    else if (state === undefined) break;
    else if ('copied' in line) {
      for (const each of line.copied) state.copied.add(each);
      state.rows += line.rows;
    } else if ('swapping' in line) state.swapping = line.swapping;
    else if ('swapped' in line) state.swapped = true;
    else state.ended = line.ended;
  }
  return state;
}

export class RebuildJournal {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  read(): JournalState | undefined {
    return readJournal(this.#path);
  }

  /** In the place of the one before. Durable when it returns, as all of these. */
  begin(begun: Begun): void {
    const next = `${this.#path}.next`;
    write(next, 'w', { begun });
    renameSync(next, this.#path);
    const folder = openSync(dirname(this.#path), 'r');
    fsyncSync(folder);
    closeSync(folder);
  }

  copied(paths: string[], rows: number): void {
    this.#append({ copied: paths, rows });
  }

  swapping(shadows: Record<string, string>): void {
    this.#append({ swapping: shadows });
  }

  swapped(): void {
    this.#append({ swapped: true });
  }

  ended(ended: Ended): void {
    this.#append({ ended });
  }

  #append(line: Line): void {
    write(this.#path, 'a', line);
  }
}

function write(path: string, flags: 'w' | 'a', line: Line): void {
  const descriptor = openSync(path, flags, 0o600);
  try {
    const json = JSON.stringify(line);
    const bytes = Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} ${json}\n`);
    for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
