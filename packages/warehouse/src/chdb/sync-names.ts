/**
 * What ClickHouse leaves undone for a power loss. With fsync_after_insert and fsync_part_directory it syncs a part's files
 * and the part's own folder, but not the folder in which the part gets its final name (seen with 26.7: rename, then
 * fdatasync of the renamed folder, which on ext4 does not commit the rename either); nor the folders of a new table.
 */
import { existsSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The names in a folder, such as those of a table's parts, are durable when it resolves. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The names of everything in the engine's folder but parts, and its own, are durable when it resolves. */
export async function syncTableNames(dataPath: string): Promise<void> {
  const folders = [dirname(dirname(dataPath)), dirname(dataPath), dataPath, join(dataPath, 'metadata')];
  for (const name of ['data', 'store']) folders.push(join(dataPath, name), ...foldersIn(join(dataPath, name)));
  // store/abc/abc01234-…: a table's folder, or that of a database with the definitions of its tables.
  for (const group of foldersIn(join(dataPath, 'store'))) folders.push(...foldersIn(group));
  for (const folder of folders) if (existsSync(folder)) await syncFolder(folder);
}

function foldersIn(path: string): string[] {
  if (!existsSync(path)) return [];
  return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [join(path, entry.name)] : []));
}
