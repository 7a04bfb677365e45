/** Where an import stands, beside its file, so that the same command goes on there. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { systemCode } from '../start-problem.ts';
import type { Tally } from './import-file.ts';

export interface Standing extends Tally {
  /** Of the file's content, and of how it is mapped and where it goes: another import does not go on here. */
  sha256: string;
  options: string;
  /** Every row up to this one is answered for. */
  row: number;
}

export interface ResumeFile {
  path: string;
  /** The standing of this very import, if it was cut short. */
  read(sha256: string, options: string): Standing | undefined;
  /** False when the place can't be written: the import can then only be begun again, which is as safe. */
  write(standing: Standing): boolean;
  remove(): void;
}

export function resumeFileOf(path: string): ResumeFile {
  return {
    path,
    read(sha256, options) {
      try {
        const standing = JSON.parse(readFileSync(path, 'utf8')) as Standing;
        return standing.sha256 === sha256 && standing.options === options ? standing : undefined;
      } catch (error) {
        if (error instanceof SyntaxError || systemCode(error) !== '') return undefined;
        throw error;
      }
    },
    write(standing) {
      try {
        writeFileSync(`${path}.next`, JSON.stringify(standing));
        renameSync(`${path}.next`, path);
        return true;
      } catch (error) {
        if (systemCode(error) !== '') return false;
        throw error;
      }
    },
    remove: () => rmSync(path, { force: true }),
  };
}
