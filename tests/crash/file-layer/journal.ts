/** Reads what the shim has written; the layout of a record stands in shim/journal.c. */
import { readFileSync, statSync } from 'node:fs';

export type Effect = { readonly end: number; readonly pid: number } & (
  | { readonly kind: 'write'; readonly ino: number; readonly offset: number; readonly bytes: Buffer; readonly synced: boolean }
  | { readonly kind: 'truncate'; readonly ino: number; readonly size: number }
  | { readonly kind: 'open'; readonly ino: number; readonly path: string; readonly truncated: boolean }
  | { readonly kind: 'mkdir'; readonly ino: number; readonly path: string }
  | { readonly kind: 'rename'; readonly path: string; readonly to: string; /** Both stay and change places. */ readonly exchanged: boolean }
  | { readonly kind: 'link'; readonly path: string; readonly to: string }
  | { readonly kind: 'symlink'; readonly target: string; readonly path: string }
  | { readonly kind: 'unlink' | 'rmdir'; readonly path: string }
  | { readonly kind: 'sync'; readonly ino: number; readonly begun: number; readonly dataOnly: boolean }
  | { readonly kind: 'syncAll'; readonly begun: number }
  | { readonly kind: 'map'; readonly ino: number; readonly path: string }
);

export interface Journal {
  /** The folder that was watched, as the process knew it. */
  readonly root: string;
  readonly rootInode: number;
  /** In order. An effect has happened on a disk that is cut at its `end` or later (bytes of the journal). */
  readonly effects: readonly Effect[];
  readonly length: number;
}

/** Something changed files in a way that the layer can't follow, so that no disk can be built from the journal. */
class JournalIncomplete extends Error {}

const HEAD_BYTES = 32;
const FLAG = { synced: 1, truncated: 2, dataOnly: 4, exchanged: 8 } as const;

/** `path`: the journal's file; `root`: the folder that was watched, which was empty when the journal began and is still there. A record torn at the end never happened. */
export function readJournal(path: string, root: string): Journal {
  const bytes = readFileSync(path);
  const effects: Effect[] = [];
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length) {
    const length = bytes.readUInt32LE(at);
    if (length < HEAD_BYTES) throw new JournalIncomplete(`The journal ${path} is broken at byte ${at}.`);
    if (at + length > bytes.length) break;
    effects.push(parse(bytes.subarray(at, at + length), at + length));
    at += length;
  }
  return { root, rootInode: statSync(root).ino, effects, length: at };
}

function parse(record: Buffer, end: number): Effect {
  const op = record.readUInt8(4);
  const flags = record.readUInt8(5);
  const toAt = HEAD_BYTES + record.readUInt16LE(6);
  const payloadAt = toAt + record.readUInt16LE(8);
  const path = record.toString('utf8', HEAD_BYTES, toAt);
  const to = record.toString('utf8', toAt, payloadAt);
  const ino = Number(record.readBigUInt64LE(16));
  const a = Number(record.readBigUInt64LE(24));
  const at = { end, pid: record.readUInt32LE(12) };
  switch (op) {
    case 1: return { ...at, kind: 'write', ino, offset: a, bytes: record.subarray(payloadAt), synced: (flags & FLAG.synced) !== 0 };
    case 2: return { ...at, kind: 'truncate', ino, size: a };
    case 3: return { ...at, kind: 'open', ino, path, truncated: (flags & FLAG.truncated) !== 0 };
    case 4: return { ...at, kind: 'mkdir', ino, path };
    case 5: return { ...at, kind: 'rename', path, to, exchanged: (flags & FLAG.exchanged) !== 0 };
    case 6: return { ...at, kind: 'link', path, to };
    case 7: return { ...at, kind: 'symlink', target: path, path: to };
    case 8: return { ...at, kind: 'unlink', path };
    case 9: return { ...at, kind: 'rmdir', path };
    case 10: return { ...at, kind: 'sync', ino, begun: a, dataOnly: (flags & FLAG.dataOnly) !== 0 };
    case 11: return { ...at, kind: 'syncAll', begun: a };
    case 12: return { ...at, kind: 'map', ino, path };
    case 13: throw new JournalIncomplete(`A process changed files by ${path}, which the file layer can't follow.`);
    default: throw new JournalIncomplete(`The journal holds an unknown operation ${op}.`);
  }
}
