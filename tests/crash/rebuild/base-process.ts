/**
 * Makes a folder with sixty events in all stores, and then with values in the tables that the lake does not have: so it is
 * seen whether a rebuild came to its end.
 *
 *   base-process <folder>
 */
import { join } from 'node:path';
import { compactLake, Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { Processor } from '@tidemark/processor';
import { ChdbWarehouse, migrateWarehouse } from '@tidemark/warehouse';
import { append, eventsOf } from './history.ts';

const [folder = ''] = process.argv.slice(2);
const warehouse = await ChdbWarehouse.open({ path: join(folder, 'warehouse') });
await migrateWarehouse(warehouse);
const writer = await LmdbLogWriter.open(join(folder, 'log'));
const reader = LmdbLogReader.open(join(folder, 'log'))!;
const positions = new LmdbPositions(join(folder, 'positions'));
const lake = await Lake.open(join(folder, 'lake'), warehouse);
const processor = await Processor.open({ reader, positions, warehouse, lake, temporaryFolder: warehouse.temporaryFolder, nowMs: Date.now, version: 'test', lingerMs: 0 });
processor.start();
for (const [from, to] of [[0, 30], [30, 50], [50, 60]] as const) {
  await append(writer, eventsOf(from, to));
  while ((await processor.balance()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  if (to === 30) await compactLake(lake, warehouse);
}
await processor.stop();
for (const [table, change] of [['events', "source = 'wrong'"], ['timeline', "anonymous_id = 'wrong'"]] as const) {
  await warehouse.command(`ALTER TABLE ${table} UPDATE ${change} WHERE event_name = 'order' SETTINGS mutations_sync = 1`);
}
lake.close();
await reader.close();
await writer.close();
await positions.close();
await warehouse.close();
process.exit(0);
