/**
 * The tables' definitions, a text each, which nothing guards: with a bit flipped one may still be a definition, of a column by another
 * name (chDB 26.7 opens it, and statements fail later). So checkpoints keep them.
 *
 * Whoever means to change a definition writes the file, and its time of change moves; damage leaves it. That tells the two apart, also
 * after a kill between such a change and the next checkpoint, and after an older Tidemark that keeps none.
 */
import { open, readFile, rename, stat, utimes } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { entriesOf, tableFolders } from './keep-replaced.ts';
import { syncFolder } from './move-aside.ts';

interface Definition {
  text: string;
  /** Epoch ms, whole. */
  changedAtMs: number;
}

/** Path below the engine's folder -> definition. */
export type Definitions = Readonly<Record<string, Definition>>;

/**
 * The definitions in `dataPath`, the engine's folder. A file that was not written since it was put into `known` is not read again: what
 * stands in it now could be damage.
 */
export async function readDefinitions(dataPath: string, known: Definitions = {}): Promise<Definitions> {
  const found: Record<string, Definition> = {};
  for (const path of await definitionFiles(dataPath)) {
    const file = join(dataPath, path);
    const changedAtMs = await unlessGone(changeTime(file));
    const before = known[path];
    const text = before?.changedAtMs === changedAtMs ? before?.text : await unlessGone(readFile(file, 'latin1'));
    if (changedAtMs !== undefined && text !== undefined) found[path] = { text, changedAtMs };
  }
  return found;
}

/**
 * Puts back what is other than in `kept` although nobody wrote it. To be called while the engine is not open. Resolves to the names of
 * the tables (of the database, where it is that one's).
 */
export async function mendDefinitions(dataPath: string, kept: Definitions): Promise<string[]> {
  const mended: string[] = [];
  for (const [path, { text, changedAtMs }] of Object.entries(kept)) {
    const file = join(dataPath, path);
    if ((await unlessGone(changeTime(file))) !== changedAtMs || (await readFile(file, 'latin1')) === text) continue;
    await replace(file, text, changedAtMs);
    mended.push(basename(path, '.sql'));
  }
  return mended;
}

/** `metadata/tidemark.sql`, and `store/abc/<uuid of the database>/events.sql`. */
async function definitionFiles(dataPath: string): Promise<string[]> {
  const files: string[] = [];
  for (const folder of [join(dataPath, 'metadata'), ...(await tableFolders(dataPath))]) {
    for (const name of await entriesOf(folder)) if (name.endsWith('.sql')) files.push(relative(dataPath, join(folder, name)));
  }
  return files;
}

async function changeTime(file: string): Promise<number> {
  return Math.floor((await stat(file)).mtimeMs);
}

/** undefined when the file is gone: its table was dropped. */
async function unlessGone<Result>(looking: Promise<Result>): Promise<Result | undefined> {
  try {
    return await looking;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** With the time it had: should the checkpoint be read again, the same is found. */
async function replace(file: string, text: string, changedAtMs: number): Promise<void> {
  // A name that the engine does not take for a table's.
  const next = `${file}.next`;
  const handle = await open(next, 'w');
  try {
    await handle.writeFile(text, 'latin1');
    await handle.sync();
  } finally {
    await handle.close();
  }
  // Half a millisecond more: as seconds it is a fraction, and must not be cut to the one before.
  await utimes(next, (changedAtMs + 0.5) / 1000, (changedAtMs + 0.5) / 1000);
  await rename(next, file);
  await syncFolder(dirname(file));
}
