import { copyFile, link, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from '../start-problem.ts';

/** A hard link to a file that never changes; a copy where its folder is another volume, or one that knows no links. */
export async function linkOrCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'ENOTSUP', 'EMLINK'].includes(systemCode(error))) throw error;
    await copyFile(from, to);
  }
}
