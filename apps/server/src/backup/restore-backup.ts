/** Puts a backup into an empty data folder, each file held against its hash. */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openControl } from '@tidemark/control';
import { revokeCommandTokens } from '../client/access.ts';
import { CommandProblem } from '../command.ts';
import { currentFormat, RESTORE_MARK } from '../start/data-format.ts';
import { controlPathOf } from '../start/server.ts';
import { systemCode } from '../start-problem.ts';
import type { FoundBackup } from './backup-folder.ts';
import { copyDurably, syncPath } from './durable-copy.ts';
import { forEachAtOnce, syncFolders } from './file-tree.ts';

const COPIES_AT_ONCE = 8;
const MAX_FAULTS_SHOWN = 3;

/**
 * The folder can be started when this resolves; it is refused by a start until then, and empty again after a failure.
 * The log's copy is marked as one, so it goes on under a new epoch.
 * @throws CommandProblem when the backup is damaged, or the folder is not empty
 */
export async function restoreBackup({ path: from, manifest }: FoundBackup, dataPath: string, signal: AbortSignal): Promise<void> {
  if (manifest.dataFormat > currentFormat()) {
    throw new CommandProblem(
      `The backup ${from} has data format ${manifest.dataFormat}; this version of Tidemark knows formats up to ${currentFormat()}.`,
      `restore it with Tidemark ${manifest.tidemark}, or a later one.`,
    );
  }
  await prepareFolder(dataPath);
  try {
    const faults: string[] = [];
    await forEachAtOnce(manifest.files, COPIES_AT_ONCE, async ({ path, bytes, sha256 }) => {
      signal.throwIfAborted();
      const fault = await copyChecked(join(from, path), join(dataPath, path), { bytes, sha256 });
      if (fault !== undefined) faults.push(`${path} ${fault}`);
    });
    if (faults.length > 0) throw damaged(from, faults.toSorted());
    await syncFolders(dataPath, manifest.files.map(({ path }) => path));
    const control = await openControl(controlPathOf(dataPath));
    try {
      await revokeCommandTokens(control);
      for (const { id: project } of await control.projects.list()) {
        await control.audit.note({ project, actor: 'cli', action: 'backup.restore', subject: manifest.takenAt });
      }
    } finally {
      await control.close();
    }
    await rm(join(dataPath, RESTORE_MARK));
    await syncPath(dataPath);
  } catch (error) {
    await empty(dataPath);
    throw error;
  }
}

/** Resolves to what is wrong with the file, if anything. */
async function copyChecked(from: string, to: string, expected: { bytes: number; sha256: string }): Promise<string | undefined> {
  try {
    const { bytes, sha256 } = await copyDurably(from, to);
    if (bytes !== expected.bytes) return `has ${bytes} bytes instead of ${expected.bytes}`;
    return sha256 === expected.sha256 ? undefined : 'has been changed';
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return 'is missing';
    if (systemCode(error) === 'EIO') return 'can not be read';
    throw error;
  }
}

function damaged(backup: string, faults: readonly string[]): CommandProblem {
  const shown = faults.slice(0, MAX_FAULTS_SHOWN).join('; ');
  const more = faults.length > MAX_FAULTS_SHOWN ? ` (and ${faults.length - MAX_FAULTS_SHOWN} more)` : '';
  return new CommandProblem(`The backup ${backup} is damaged: ${shown}${more}. Nothing was restored.`, 'restore another backup.');
}

/** Made if need be, for its owner alone; empty but for what an unfinished restore has left, which is removed. */
async function prepareFolder(dataPath: string): Promise<void> {
  await mkdir(dataPath, { recursive: true, mode: 0o700 });
  if (existsSync(join(dataPath, RESTORE_MARK))) await empty(dataPath);
  const [stranger] = (await readdir(dataPath)).filter((name) => !name.startsWith('.') && name !== 'lost+found');
  if (stranger !== undefined) {
    throw new CommandProblem(`The folder ${dataPath} is not empty: it holds ${stranger}.`, 'give an empty or a new folder with --data.');
  }
  const mark = await open(join(dataPath, RESTORE_MARK), 'wx', 0o600);
  await mark.sync();
  await mark.close();
  await syncPath(dataPath);
}

/** The mark goes last: should this be cut short too, the next try knows. */
async function empty(dataPath: string): Promise<void> {
  for (const name of await readdir(dataPath)) {
    if (name !== RESTORE_MARK && name !== 'lost+found' && !name.startsWith('.')) await rm(join(dataPath, name), { recursive: true, force: true });
  }
  await rm(join(dataPath, RESTORE_MARK), { force: true });
}
