/** How much room the stores take. Counting many files is slow (3.7 s beside full ingest): it is done beside those who ask. */
import { readdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { readBeside } from './read-beside.ts';

const GOOD_FOR_MS = 10_000;

export interface DiskUsage {
  /** Bytes of each store's folder, as allocated. */
  stores: Record<string, number>;
  /** Bytes free to us on the volume of the first folder. */
  freeBytes: number;
}

export function createDiskGauge(
  folders: Readonly<Record<string, string>>,
  clock: () => number,
): () => Promise<DiskUsage> {
  const storesOf = readBeside(() => measure(folders), clock, GOOD_FOR_MS);
  const [first = '.'] = Object.values(folders);
  return async () => ({ stores: await storesOf('all'), freeBytes: await free(first) });
}

async function measure(folders: Readonly<Record<string, string>>): Promise<Record<string, number>> {
  const stores: Record<string, number> = {};
  for (const [name, folder] of Object.entries(folders)) stores[name] = await allocatedBytes(folder);
  return stores;
}

/** Files come and go while we look (merges, retention): what is gone counts nothing. */
async function allocatedBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ignoreGone);
  let bytes = 0;
  for (const entry of entries ?? []) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await allocatedBytes(path);
    // `blocks` and not `size`: LMDB's file is sparse. POSIX counts blocks of 512 bytes.
    else if (entry.isFile()) bytes += ((await stat(path).catch(ignoreGone))?.blocks ?? 0) * 512;
  }
  return bytes;
}

async function free(folder: string): Promise<number> {
  const volume = await statfs(folder).catch(ignoreGone);
  return volume === undefined ? 0 : volume.bavail * volume.bsize;
}

function ignoreGone(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
  throw error;
}
