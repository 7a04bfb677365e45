import { createHash } from 'node:crypto';
import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ChdbWarehouse, type ChdbOptions } from '../chdb/chdb-warehouse.ts';
import { migrateWarehouse, warehouseMigrations } from '../migrate.ts';
import { cacheFolder } from './bundle-program.ts';

/**
 * A warehouse whose tables are there. A new folder begins as a copy of one that went through all migrations before: 37 statements,
 * each synced, take a second (2 cores), the copy some milliseconds. As chDB has one folder a process, no other may be open.
 */
export async function openMigrated(options: ChdbOptions): Promise<ChdbWarehouse> {
  if (!existsSync(join(options.path, 'data'))) cpSync(await migratedFolder(), options.path, { recursive: true });
  const warehouse = await ChdbWarehouse.open(options);
  await migrateWarehouse(warehouse);
  return warehouse;
}

async function migratedFolder(): Promise<string> {
  const version = createHash('sha256').update(JSON.stringify(warehouseMigrations())).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `migrated-${version}`);
  if (existsSync(folder)) return folder;
  const partial = `${folder}.${process.pid}`;
  const warehouse = await ChdbWarehouse.open({ path: partial, connections: 1 });
  await migrateWarehouse(warehouse);
  await warehouse.close();
  try {
    renameSync(partial, folder);
  } catch (error) {
    // Another test file was faster.
    if (!existsSync(folder)) throw error;
    rmSync(partial, { recursive: true });
  }
  return folder;
}
