import { readdir, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { covers, parsePartName, type PartName } from './part-name.ts';

/** Folder of a table (its UUID) -> names of the parts in it, active or replaced. */
export type PartsOnDisk = ReadonlyMap<string, readonly string[]>;

/**
 * The parts that the engine will find. To be listed before it is opened: it begins to merge at once, and a merge of the
 * parts around one that is gone has a name that covers it.
 */
export async function partsOnDisk(dataPath: string): Promise<PartsOnDisk> {
  const found = new Map<string, string[]>();
  for (const table of await tableFolders(dataPath)) {
    found.set(basename(table), (await entriesOf(table)).filter((name) => parsePartName(name) !== undefined));
  }
  return found;
}

/** As long as a start may take to read what was written last: 400 GB and more. */
const KEPT_SECONDS = 480;
/** The tables' `old_parts_lifetime`. */
const LIFETIME_SECONDS = 120;

/**
 * Gives parts that a merge has replaced eight minutes more from `nowMs` on. After an unclean stop
 * the merged part may turn out to be broken, and then they are what it is made of; but the engine counts their lifetime
 * from their folders' time, and would delete at once what was written an hour and merged a second ago.
 * To be called while the engine is not open. `dataPath`: the engine's folder. Resolves to how many there are.
 */
export async function keepReplacedParts(dataPath: string, nowMs: number): Promise<number> {
  let kept = 0;
  const madeAt = nowMs / 1000 + KEPT_SECONDS - LIFETIME_SECONDS;
  for (const table of await tableFolders(dataPath)) {
    const names = (await entriesOf(table)).flatMap((name) => {
      const parsed = parsePartName(name);
      return parsed === undefined ? [] : [[name, parsed] as const];
    });
    for (const [name, part] of replaced(names)) {
      if (part === undefined) continue;
      await utimes(join(table, name), madeAt, madeAt);
      kept++;
    }
  }
  return kept;
}

function replaced(parts: readonly (readonly [string, PartName])[]): (readonly [string, PartName])[] {
  return parts.filter(([name, inner]) => parts.some(([other, outer]) => other !== name && covers(outer, inner)));
}

/** The folders of all tables: `store/abc/abc01234-…`. */
export async function tableFolders(dataPath: string): Promise<string[]> {
  const store = join(dataPath, 'store');
  const found: string[] = [];
  for (const group of await entriesOf(store)) {
    for (const table of await entriesOf(join(store, group))) found.push(join(store, group, table));
  }
  return found;
}

/** Entries of a folder; none when there is no such folder. */
export async function entriesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}
