/** Copies a snapshot of a running server, and its log, into a folder of backups. */
import { link, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { copyLog } from '@tidemark/log';
import { CommandProblem } from '../command.ts';
import { dataFolders } from '../data-folder.ts';
import { formatOf } from '../start/data-format.ts';
import { systemCode } from '../start-problem.ts';
import { BACKUP_FORMAT, manifestPath, manifestText, type BackupFile } from './backup-manifest.ts';
import { copyDurably, hashFile, syncPath, type Copied } from './durable-copy.ts';
import { filesBelow, forEachAtOnce, syncFolders } from './file-tree.ts';
import { newestBackup, PARTIAL } from './backup-folder.ts';

export interface BackupRequest {
  dataPath: string;
  /** Folder of the snapshot, in the data folder. */
  snapshotPath: string;
  /** Name of the backup. */
  name: string;
  takenAt: string;
  /** Where backups are kept; each is a folder in it. */
  target: string;
  version: string;
  signal: AbortSignal;
}

export interface Backup {
  path: string;
  files: number;
  bytes: number;
  /** Of `bytes`, those that an earlier backup in the same folder had already: they take no room again. */
  sharedBytes: number;
}

const COPIES_AT_ONCE = 8;

/**
 * Resolves when the backup is on disk. Nothing that looks like a backup is left behind when it fails or is killed.
 * @throws CommandProblem when there is no room, or the snapshot was taken away
 */
export async function createBackup(request: BackupRequest): Promise<Backup> {
  const { dataPath, snapshotPath, name, takenAt, target, version, signal } = request;
  await removePartial(target);
  const earlier = await newestBackup(target);
  const known = new Map(earlier?.manifest.files.map((file) => [file.path, file]));
  const partial = join(target, `${name}${PARTIAL}`);
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    const paths = await filesBelow(snapshotPath);
    await checkRoom(target, dataPath, snapshotPath, paths, known);
    // At once, so that it still holds all that the stores had not when the snapshot was taken.
    await copyLog(dataFolders(dataPath).log, join(partial, 'log'));
    const files: BackupFile[] = [];
    let sharedBytes = 0;
    for (const path of await filesBelow(partial)) {
      await syncPath(join(partial, path));
      files.push({ path, ...(await hashFile(join(partial, path))) });
    }
    await forEachAtOnce(paths, COPIES_AT_ONCE, async (path) => {
      signal.throwIfAborted();
      const [from, to] = [join(snapshotPath, path), join(partial, path)];
      const shared = earlier === undefined ? undefined : await share(from, join(earlier.path, path), to, known.get(path));
      const copied = shared ?? (await copyDurably(from, to));
      if (shared !== undefined) sharedBytes += copied.bytes;
      files.push({ path, ...copied });
    });
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    await syncFolders(partial, files.map(({ path }) => path));
    const dataFormat = formatOf(snapshotPath) ?? 1;
    await writeDurably(manifestPath(partial), manifestText({ format: BACKUP_FORMAT, tidemark: version, dataFormat, takenAt, files }));
    await syncPath(partial);
    const path = join(target, name);
    await rename(partial, path);
    await syncPath(target);
    return { path, files: files.length, bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), sharedBytes };
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    if (systemCode(error) === 'ENOENT') {
      throw new CommandProblem('The snapshot was taken away while it was copied: the engine was started again, or another backup began.', 'run it again.', { cause: error });
    }
    if (systemCode(error) === 'ENOSPC') throw new CommandProblem(`The disk of ${target} is full.`, 'make room there, or take another disk.', { cause: error });
    throw error;
  }
}

/** Hard-links the file of an earlier backup when it has the same bytes; undefined when it has not. */
async function share(from: string, earlier: string, to: string, known: BackupFile | undefined): Promise<Copied | undefined> {
  if (known === undefined || (await stat(from)).size !== known.bytes) return undefined;
  const found = await hashFile(from);
  if (found.sha256 !== known.sha256) return undefined;
  try {
    await mkdir(join(to, '..'), { recursive: true, mode: 0o700 });
    await link(earlier, to);
    return found;
  } catch {
    // A file system without links, or a file that somebody has removed from the earlier backup: it is copied then.
    return undefined;
  }
}

/** What commands that were killed have left. */
async function removePartial(target: string): Promise<void> {
  await mkdir(target, { recursive: true, mode: 0o700 });
  for (const name of await readdir(target)) {
    if (name.endsWith(PARTIAL)) await rm(join(target, name), { recursive: true, force: true });
  }
}

async function checkRoom(target: string, dataPath: string, snapshotPath: string, paths: readonly string[], known: ReadonlyMap<string, BackupFile>): Promise<void> {
  let needed = (await stat(join(dataFolders(dataPath).log, 'data.mdb'))).size;
  for (const path of paths) {
    const { size } = await stat(join(snapshotPath, path));
    if (known.get(path)?.bytes !== size) needed += size;
  }
  const { bavail, bsize } = await statfs(target);
  if (bavail * bsize >= needed) return;
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1024 ** 2);
  throw new CommandProblem(
    `The backup takes ${megabytes(needed)} MB, and the disk of ${target} has ${megabytes(bavail * bsize)} MB free.`,
    'make room there, or give a folder on another disk.',
  );
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
