/**
 * A processor over the log of a folder, in a process that may kill itself at a step. When it comes to the end of the log
 * it writes what all stores hold, and which steps it passed.
 *
 *   processor-process <folder> <where the facts go> [step to die at]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbPositions } from '@tidemark/log';
import { Processor } from '@tidemark/processor';
import { ChdbWarehouse, literal, migrateWarehouse } from '@tidemark/warehouse';
import { Steps, type StepName } from './steps.ts';

export interface PipelineFacts {
  /** Every row of every store as JSON, ordered. */
  stores: Record<string, string[]>;
  balance: Record<string, number>;
  steps: StepName[];
}

const [folder = '', factsPath = '', deadly] = process.argv.slice(2);
const warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
await migrateWarehouse(warehouse);
const reader = LmdbLogReader.open(join(folder, 'log'))!;
const positions = new LmdbPositions(join(folder, 'positions'));
const lake = await Lake.open(join(folder, 'lake'), warehouse);
const steps = new Steps(deadly);
steps.watch({ warehouse, positions, lake });
const processor = await Processor.open({
  reader,
  positions,
  warehouse,
  lake,
  temporaryFolder: warehouse.temporaryFolder,
  // A second try decides the same at any time, so all runs have the same.
  nowMs: () => Date.UTC(2026, 5, 1),
  version: 'test',
  lingerMs: 0,
  crashPoint: (name) => steps.at(name),
});
processor.start();
while ((await processor.balance()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 10));
await processor.stop();

const rowsOf = async (from: string): Promise<string[]> => {
  const { rows } = await warehouse.query<object>(`SELECT * FROM ${from} SETTINGS use_hive_partitioning = 0`);
  return rows.map((row) => JSON.stringify(row)).toSorted();
};
const stores: Record<string, string[]> = {};
for (const table of ['events', 'timeline', 'quarantine', 'outcomes']) stores[table] = await rowsOf(table);
// A set: what comes twice says the same twice.
stores['quarantine_replayed'] = await rowsOf('(SELECT DISTINCT * FROM quarantine_replayed)');
stores['event_ids'] = await rowsOf('(SELECT hex(key) AS id, * EXCEPT key FROM event_ids)');
stores['lake'] = [];
for (const { path } of lake.manifest.files) stores['lake'].push(...(await rowsOf(`(SELECT hex(key) AS id, * EXCEPT key FROM file(${literal(join(folder, 'lake', path))}, 'Parquet'))`)));
stores['lake'].sort();
stores['trial tables'] = await rowsOf("(SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'trial_%')");
const facts: PipelineFacts = { stores, balance: { ...(await processor.balance()) }, steps: steps.passed };
writeFileSync(factsPath, JSON.stringify(facts));
lake.close();
await reader.close();
await positions.close();
await warehouse.close();
process.exit(0);
