/** Where an import stands, beside its file, so that the same command goes on there: `crc32-hex SP json`. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
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
        const text = readFileSync(path, 'utf8');
        // With a digit of its row flipped it would skip rows in silence.
        if (text.slice(0, 9) !== `${checksumOf(text.slice(9))} `) return undefined;
        const standing = JSON.parse(text.slice(9)) as Standing;
        return standing.sha256 === sha256 && standing.options === options ? standing : undefined;
      } catch (error) {
        if (error instanceof SyntaxError || systemCode(error) !== '') return undefined;
        throw error;
      }
    },
    write(standing) {
      try {
        const json = JSON.stringify(standing);
        writeFileSync(`${path}.next`, `${checksumOf(json)} ${json}`);
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

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
