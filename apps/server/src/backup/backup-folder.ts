/** A folder of backups: each is a folder of its own, named by its time; what a killed command has left ends with `.partial`. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CommandProblem } from '../command.ts';
import { isBackup, readManifest, type BackupManifest } from './backup-manifest.ts';

export const PARTIAL = '.partial';

export interface FoundBackup {
  path: string;
  manifest: BackupManifest;
}

/** The newest whole backup in a folder of backups; undefined when there is none. Damaged ones are passed over. */
export async function newestBackup(folder: string): Promise<FoundBackup | undefined> {
  const names = existsSync(folder) ? await readdir(folder) : [];
  for (const name of names.toSorted().toReversed()) {
    const path = join(folder, name);
    if (name.endsWith(PARTIAL) || !isBackup(path)) continue;
    try {
      return { path, manifest: await readManifest(path) };
    } catch (error) {
      if (!(error instanceof CommandProblem)) throw error;
    }
  }
  return undefined;
}

/** The backup that `path` names: itself, or the newest in it. @throws CommandProblem when there is none */
export async function findBackup(path: string): Promise<FoundBackup> {
  if (isBackup(path) && !path.endsWith(PARTIAL)) return { path, manifest: await readManifest(path) };
  const newest = await newestBackup(path);
  if (newest !== undefined) return newest;
  const names = existsSync(path) ? await readdir(path) : [];
  const cut = path.endsWith(PARTIAL) ? path : names.find((name) => name.endsWith(PARTIAL));
  // A backup is one by its list of files, which is written when all of them are there.
  if (cut !== undefined || names.includes('warehouse') || names.includes('log')) {
    throw new CommandProblem(`There is no whole backup in ${path}: one was begun and not finished.`, 'run `tidemark backup` again, or give another backup.');
  }
  throw new CommandProblem(`There is no backup in ${path}.`, 'give the folder that `tidemark backup` has written to, or one backup in it.');
}
