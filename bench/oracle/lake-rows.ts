import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Change {
  add: { path: string; rows: number }[];
  remove: string[];
}

/**
 * Rows of all of the lake's files that count, from its manifest. Read by ourselves: the lake's own class would mend a
 * line that the server is just writing.
 */
export function lakeRows(dataPath: string): number {
  const rows = new Map<string, number>();
  const lines = readFileSync(join(dataPath, 'lake', 'manifest.ndjson'), 'utf8').split('\n');
  for (const line of lines.slice(0, -1)) {
    const { add = [], remove = [] } = JSON.parse(line.slice(line.indexOf('{'))) as Partial<Change>;
    for (const path of remove) rows.delete(path);
    for (const file of add) rows.set(file.path, file.rows);
  }
  return [...rows.values()].reduce((sum, count) => sum + count, 0);
}
