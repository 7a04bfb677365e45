import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lake } from '@tidemark/lake';
import { linkOrCopy } from './link.ts';

/** Links the files that count into the folder `to`, with the manifest that says so. Nothing may change the lake meanwhile. */
export async function linkLake(lake: Lake, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const { path } of lake.manifest.files) await linkOrCopy(join(lake.folder, path), join(to, path));
  // Appended to later on, so it is no file to link.
  await copyFile(join(lake.folder, 'manifest.ndjson'), join(to, 'manifest.ndjson'));
}
