/**
 * The tables of chDB as files: definitions (`metadata/*.sql`, `store/…/*.sql`), and for each table a folder
 * `store/abc/<uuid>` of parts. A part never changes once it is active; merges make new ones and keep the old ones for
 * two minutes (`old_parts_lifetime`), far longer than linking takes. ALTER TABLE … FREEZE would link the same parts, and
 * leave out the tables' own files, which a folder that is to be opened again needs.
 *
 * Symbolic links (`data/`, `metadata/<database>`) are left out: chDB makes them again from the definitions.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Warehouse } from '@tidemark/warehouse';
import { linkOrCopy } from './link.ts';

/** Links what the warehouse in `from` holds now into `to`. Nothing but merges may change it meanwhile. */
export async function linkWarehouse(warehouse: Warehouse, from: string, to: string): Promise<void> {
  const { rows } = await warehouse.query<{ path: string }>('SELECT path FROM system.parts WHERE active AND database = currentDatabase()');
  const parts = new Set(rows.map(({ path }) => path.replace(/\/+$/, '')));
  const [source, target] = [join(from, 'data'), join(to, 'data')];
  await linkFiles(join(source, 'metadata'), join(target, 'metadata'), () => false);
  // store/abc/<uuid> down to the tables; below them active parts only, with all that is in them.
  await linkFiles(join(source, 'store'), join(target, 'store'), (path, depth) => depth < 3 || parts.has(path) || depth > 3);
}

async function linkFiles(from: string, to: string, enter: (path: string, depth: number) => boolean, depth = 1): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = join(from, entry.name);
    if (entry.isFile() && !entry.name.startsWith('tmp_')) await linkOrCopy(path, join(to, entry.name));
    else if (entry.isDirectory() && enter(path, depth)) await linkFiles(path, join(to, entry.name), enter, depth + 1);
  }
}
