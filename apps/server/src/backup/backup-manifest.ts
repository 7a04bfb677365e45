/**
 * `backup.json`: what a backup holds. It is written last, so a folder without it is no backup. Its own checksum stands in
 * it, so that a changed letter is noticed too.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { CommandProblem } from '../command.ts';

/** Raised when an older program could not restore what a newer one writes. */
export const BACKUP_FORMAT = 1;

export interface BackupFile {
  /** Below the backup's folder, with `/`. */
  path: string;
  bytes: number;
  /** SHA-256, hex. */
  sha256: string;
}

export interface BackupManifest {
  format: number;
  /** Version of Tidemark that made it. */
  tidemark: string;
  /** Format of the data folder (format.json). */
  dataFormat: number;
  /** RFC 3339: what was acknowledged before is in it, and what was stored then is stored in it. */
  takenAt: string;
  files: BackupFile[];
}

const NAME = 'backup.json';

/** The text of `backup.json`. */
export function manifestText(manifest: BackupManifest): string {
  return `${JSON.stringify({ ...manifest, sha256: digestOf(manifest) }, null, 1)}\n`;
}

export function manifestPath(folder: string): string {
  return join(folder, NAME);
}

export function isBackup(folder: string): boolean {
  return existsSync(manifestPath(folder));
}

/** @throws CommandProblem when it is damaged, or of a newer Tidemark */
export async function readManifest(folder: string): Promise<BackupManifest> {
  const path = manifestPath(folder);
  const damaged = (): CommandProblem =>
    new CommandProblem(`The list of the backup's files, ${path}, is damaged.`, 'restore another backup.');
  let value: BackupManifest & { sha256: string };
  try {
    value = JSON.parse(await readFile(path, 'utf8')) as typeof value;
  } catch (error) {
    if (error instanceof SyntaxError) throw damaged();
    throw error;
  }
  const { sha256, ...manifest } = value;
  if (typeof manifest.format === 'number' && manifest.format > BACKUP_FORMAT) {
    throw new CommandProblem(
      `The backup ${folder} was made by Tidemark ${manifest.tidemark}, in a form that this version does not know.`,
      'restore it with that version, or a later one.',
    );
  }
  if (sha256 !== digestOf(manifest) || manifest.files.some(({ path: each }) => !staysInside(each))) throw damaged();
  return manifest;
}

function digestOf(manifest: BackupManifest): string {
  return createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
}

function staysInside(path: string): boolean {
  return path !== '' && !isAbsolute(path) && normalize(path) === path && !path.startsWith('..');
}
