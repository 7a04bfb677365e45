import { existsSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Warehouse } from '../warehouse.ts';
import type { Part } from './parts.ts';

/**
 * Takes broken parts of one table out of it, into its folder `detached/` under the names `broken_…`, as the engine itself
 * does with what it finds at load. Not by DETACH PART: that would leave an empty part in its place, which hides the
 * parts that the broken one was merged from; here the engine finds those again and takes them (tried, chDB 26.7).
 */
export async function moveAside(warehouse: Warehouse, table: string, parts: readonly Part[]): Promise<void> {
  await warehouse.command(`DETACH TABLE ${table} SYNC`);
  try {
    for (const { name, path } of parts) {
      const folder = dirname(path);
      await mkdir(join(folder, 'detached'), { recursive: true });
      await rename(path, freeName(join(folder, 'detached', `broken_${name}`)));
      for (const changed of [folder, join(folder, 'detached')]) await syncFolder(changed);
    }
  } finally {
    await warehouse.command(`ATTACH TABLE ${table}`);
  }
}

/** A path that is not taken; the engine's own way of telling two apart. */
export function freeName(path: string): string {
  if (!existsSync(path)) return path;
  for (let attempt = 1; ; attempt++) if (!existsSync(`${path}_try${attempt}`)) return `${path}_try${attempt}`;
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
