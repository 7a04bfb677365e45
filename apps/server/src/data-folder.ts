/** Where each store lives below the data folder. */
import { join } from 'node:path';

export interface DataFolders {
  log: string;
  positions: string;
  warehouse: string;
  lake: string;
  control: string;
}

export function dataFolders(dataPath: string): DataFolders {
  return {
    log: join(dataPath, 'log'),
    positions: join(dataPath, 'positions'),
    warehouse: join(dataPath, 'warehouse'),
    lake: join(dataPath, 'lake'),
    control: join(dataPath, 'control'),
  };
}

/** What the SQL queries that run were handed; nothing of it is kept. */
export function sqlFolder(dataPath: string): string {
  return join(dataPath, 'sql');
}
