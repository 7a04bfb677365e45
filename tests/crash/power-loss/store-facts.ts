/**
 * What the stores of a stopped server hold, read past everything that the server believes. A process of its own: chDB
 * opens one folder a process. Prints StoreFacts as JSON.
 */
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Manifest } from '@tidemark/lake';
import { ChdbWarehouse, literal } from '@tidemark/warehouse';

export interface StoreFacts {
  events: string[];
  timeline: string[];
  /** How many rows, and how many different keys. */
  ids: { rows: number; keys: number };
  lake: string[];
  quarantine: string[];
  /** Files of the lake that are missing, or not as long as the manifest says. */
  badFiles: string[];
}

const [dataPath = '', answerPath = ''] = process.argv.slice(2);
const warehouse = await ChdbWarehouse.open({ path: join(dataPath, 'warehouse') });
const idsOf = async (from: string): Promise<string[]> => {
  const { rows } = await warehouse.query<{ event_id: string }>(`SELECT event_id FROM ${from} ORDER BY event_id SETTINGS use_hive_partitioning = 0`);
  return rows.map(({ event_id: id }) => id);
};
const { rows: counted } = await warehouse.query<{ rows: number; keys: number }>('SELECT count() AS rows, uniqExact(key) AS keys FROM event_ids');
const manifest = new Manifest(join(dataPath, 'lake', 'manifest.ndjson'));
const files = [...manifest.files].map((file) => ({ ...file, full: join(dataPath, 'lake', file.path) }));
const good = files.filter(({ full, bytes }) => existsSync(full) && statSync(full).size === bytes);
const lake: string[] = [];
for (const { full } of good) lake.push(...(await idsOf(`file(${literal(full)}, 'Parquet')`)));
const facts: StoreFacts = {
  events: await idsOf('events'),
  timeline: await idsOf('timeline'),
  ids: counted[0]!,
  lake,
  quarantine: await idsOf('quarantine'),
  badFiles: files.filter((file) => !good.includes(file)).map(({ path }) => path),
};
writeFileSync(answerPath, JSON.stringify(facts));
manifest.close();
await warehouse.close();
