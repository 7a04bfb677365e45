/**
 * What a rebuild has done, so that the next start finishes or goes on with it: an append-only text of lines
 * `crc32-hex SP json`, each synced before the rebuild goes on. A last line without its end is torn and never happened; any other
 * that is broken was damaged behind our back, and what it said is not known. It stays, ended, until the next rebuild begins.
 */
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
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
  /** Some of its lines are broken: there may be more of the above. */
  isDamaged: boolean;
}

type Line = { begun: Begun } | { copied: string[]; rows: number } | { swapping: Record<string, string> } | { swapped: true } | { ended: Ended };

/** undefined when there is none, or when its first line is broken: then nothing was begun that could be gone on with. */
export function readJournal(path: string): JournalState | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1).map(parseLine);
  const [first, ...rest] = lines;
  if (first === undefined || !('begun' in first)) return undefined;
  const state: JournalState = { begun: first.begun, copied: new Set(), rows: 0, swapping: undefined, swapped: false, ended: undefined, isDamaged: lines.includes(undefined) };
  for (const line of rest) {
    if (line === undefined) continue;
    if ('copied' in line) {
      for (const each of line.copied) state.copied.add(each);
      state.rows += line.rows;
    } else if ('swapping' in line) state.swapping = line.swapping;
    else if ('swapped' in line) state.swapped = true;
    else if ('ended' in line) state.ended = line.ended;
  }
  return state;
}

function parseLine(text: string): Line | undefined {
  const json = text.slice(9);
  return text === textOf(json) ? (JSON.parse(json) as Line) : undefined;
}

function textOf(json: string): string {
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}`;
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
    // What is torn must not stand in front of the next line.
    const text = readFileSync(this.#path);
    write(this.#path, 'r+', line, text.lastIndexOf('\n') + 1);
  }
}

/** Behind the first `from` bytes, which is where the file ends if it fails. */
function write(path: string, flags: 'w' | 'r+', line: Line, from = 0): void {
  const descriptor = openSync(path, flags, 0o600);
  try {
    const bytes = Buffer.from(`${textOf(JSON.stringify(line))}\n`);
    if (fstatSync(descriptor).size > from) ftruncateSync(descriptor, from);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(descriptor, bytes, written, bytes.length - written, from + written);
      fsyncSync(descriptor);
    } catch (error) {
      // After a failed sync the line may look whole and not be on the disk.
      ftruncateSync(descriptor, from);
      throw error;
    }
  } finally {
    closeSync(descriptor);
  }
}
