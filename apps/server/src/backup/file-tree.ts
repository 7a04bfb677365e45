import { readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { syncPath } from './durable-copy.ts';

/** Paths of all files below a folder, relative to it, with `/`; in order. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted();
}

/** Syncs every folder between `root` and the files of these paths, `root` among them. */
export async function syncFolders(root: string, paths: Iterable<string>): Promise<void> {
  const folders = new Set<string>([root]);
  for (const path of paths) for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(join(root, folder));
  for (const folder of folders) await syncPath(folder);
}

/**
 * Runs `work` on each item, `atOnce` at a time: what waits for a disk's sync can wait together. After a failure no other
 * begins; rejects with it when those under way have ended.
 */
export async function forEachAtOnce<Item>(items: readonly Item[], atOnce: number, work: (item: Item) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < items.length && failure === undefined) await work(items[next++]!).catch((error: unknown) => (failure ??= { error }));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failure !== undefined) throw failure.error;
}
