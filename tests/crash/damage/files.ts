/** The files of a data folder, by what they are, and how a disk damages one. */
import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Kinds whose loss costs nothing: notes, seals, locks, and what each start writes anew. */
const EXPENDABLE = /^(log\/(ends|commits|lock\.mdb)|positions\/lock\.mdb|warehouse\/tmp\/.*|lake\/manifest\.end|control\/control\.db\.seal|warehouse\/(checkpoint|config\.xml)|run\/.*\.(json|lock|pid|prepared))$/;

const KINDS: readonly (readonly [kind: string, pattern: RegExp])[] = [
  ['expendable', EXPENDABLE],
  ['log', /^log\/data\.mdb$/],
  ['positions', /^positions\/data\.mdb$/],
  ['control', /^control\/control\.db$/],
  ['format', /^format\.json$/],
  ['manifest', /^lake\/manifest\.ndjson$/],
  ['parquet', /^lake\/.*\.parquet$/],
  ['part data', /^warehouse\/data\/store\/.*\.bin$/],
  ['part index', /^warehouse\/data\/store\/.*\.(cmrk\d|mrk\d|idx2?|cidx)$/],
  ['part facts', /^warehouse\/data\/store\/.*\/\w+_\d+_\d+_\d+[^/]*\/[^/]*\.(txt|json|dat|packed)$/],
  ['table facts', /^warehouse\/data\/store\/[^/]+\/[^/]+\/(format_version|mutation_\d+)\.txt$/],
  ['table definition', /^warehouse\/data\/.*\.sql$/],
];

export const DAMAGED_KINDS: readonly string[] = KINDS.map(([kind]) => kind);

/** Paths below `folder`, by kind. Those of other kinds (sockets, what the engine keeps for itself) are under `other`. */
export function filesByKind(folder: string): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name).slice(folder.length + 1);
    if (statSync(join(folder, path)).size === 0) continue;
    const kind = KINDS.find(([, pattern]) => pattern.test(path))?.[0] ?? 'other';
    found.set(kind, [...(found.get(kind) ?? []), path].toSorted());
  }
  return found;
}

export interface Damage {
  words: string;
  /** Puts back what was there, unless somebody has written to the file since. */
  mend(): void;
}

/** Flips a bit, or cuts the tail, in place, and leaves the time of change as it was: so does a disk. Which of them is drawn, unless it is told, or the very bit. */
export function damage(path: string, random: () => number, way?: 'flip' | 'cut' | { byte: number; bit: number }): Damage {
  const good = readFileSync(path);
  const { mtimeMs } = statSync(path);
  const cut = way === undefined ? random() < 0.3 : way === 'cut';
  const at = typeof way === 'object' ? way.byte : Math.floor(random() * good.length);
  const bad = cut ? good.subarray(0, at) : Buffer.from(good);
  if (!cut) bad[at]! ^= 1 << (typeof way === 'object' ? way.bit : Math.floor(random() * 8));
  const put = (bytes: Buffer): void => {
    writeFileSync(path, bytes);
    const seconds = (Math.floor(mtimeMs) + 0.5) / 1000;
    utimesSync(path, seconds, seconds);
  };
  put(bad);
  return {
    words: cut ? `cut to ${at} of ${good.length} bytes` : `bit flipped in byte ${at} of ${good.length}`,
    mend() {
      if (existsSync(path) && readFileSync(path).equals(bad)) put(good);
    },
  };
}
