import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Puts the data file of a new environment into the folder `path`, whole or not at all, and durably with its name. LMDB by
 * itself writes the first two pages without a sync, in place: after a power loss at that moment it reads what is there
 * of them and ends by SIGSEGV or SIGBUS (seen with lmdb 3.5), and the folder's entries are never synced.
 * `makeIn`: lets LMDB make an environment in a folder.
 */
export function createDataFile(path: string, makeIn: (folder: string) => { close(): Promise<void> }): void {
  mkdirSync(path, { recursive: true });
  const aside = join(path, 'new');
  rmSync(aside, { recursive: true, force: true });
  // LMDB knows its environments by inode, so the file that it has made there is copied, not moved.
  void makeIn(aside).close();
  const whole = join(path, 'data.mdb.new');
  const descriptor = openSync(whole, 'w');
  try {
    writeSync(descriptor, readFileSync(join(aside, 'data.mdb')));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(whole, join(path, 'data.mdb'));
  for (const folder of [path, dirname(path)]) syncFolder(folder);
  rmSync(aside, { recursive: true });
}

function syncFolder(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
