import { statfs } from 'node:fs/promises';

/** Bytes that this user may still write on the folder's disk. */
export async function freeBytes(folder: string): Promise<number> {
  const disk = await statfs(folder);
  return disk.bavail * disk.bsize;
}
