/**
 * The engine's stores in a process that rebuilds its tables while events come in, and that may kill itself at a step of it.
 * Started again it does what the engine does at a start, goes on with the rebuild, or begins it when that was not yet
 * written down. In the end it writes what the tables hold, and which steps it passed.
 *
 *   rebuild-process <folder> <where the facts go> <request as JSON> [step to die at]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Lake } from '@tidemark/lake';
import { LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { finishSwap, isSwapUnfinished, Processor, rebuildJournalPath, Rebuilds, recover, type RebuildRequest } from '@tidemark/processor';
import { ChdbWarehouse, createMissingTables, DERIVED_TABLES, insertDerived, keepReplacedParts, migrateWarehouse, partsOnDisk, POSITIONED_TABLES, readCheckpoint, takeCheckpoint, verifyParts } from '@tidemark/warehouse';
import { Steps, type StepName } from '../crash-points/steps.ts';
import { append, eventsOf } from './history.ts';

export interface RebuildFacts {
  /** Rows of each table without their positions and times of receipt, which a later run gives otherwise. */
  tables: Record<string, string[]>;
  state: string | undefined;
  /** What the start before it had to put back, or found broken. */
  mended: number;
  balance: Record<string, number>;
  steps: StepName[];
}

const [folder = '', factsPath = '', request = '{}', deadly] = process.argv.slice(2);
const warehousePath = join(folder, 'warehouse');
const checkpointPath = join(warehousePath, 'checkpoint');
const journalPath = rebuildJournalPath(warehousePath);
const checkpoint = isSwapUnfinished(journalPath) ? undefined : readCheckpoint(checkpointPath);
await keepReplacedParts(join(warehousePath, 'data'), Date.now());
const onDisk = await partsOnDisk(join(warehousePath, 'data'));
const warehouse = await ChdbWarehouse.open({ path: warehousePath });
await finishSwap(warehouse, journalPath);
const verified = await verifyParts(warehouse, checkpoint, onDisk);
await migrateWarehouse(warehouse);
await createMissingTables(warehouse, Object.keys(POSITIONED_TABLES));
const writer = await LmdbLogWriter.open(join(folder, 'log'));
const reader = LmdbLogReader.open(join(folder, 'log'))!;
const positions = new LmdbPositions(join(folder, 'positions'));
const lake = await Lake.open(join(folder, 'lake'), warehouse);
const temporaryFolder = warehouse.temporaryFolder;
const recovered = await recover({ checkpoint, verified, reader, positions, warehouse, lake, temporaryFolder, idsSinceMs: 0 });
const processor = await Processor.open({ reader, positions, warehouse, lake, temporaryFolder, nowMs: Date.now, version: 'test', lingerMs: 0 });
const takeNow = async (): Promise<void> => {
  const committed = { events: positions.get('events', 0) ?? { epoch: reader.epoch, offset: 0 } };
  await takeCheckpoint(checkpointPath, warehouse, () => committed, { clean: false, nowMs: Date.now() });
};
await takeNow();
processor.start();
const steps = new Steps(deadly);
steps.watch({ warehouse, positions, lake });

let tail: Promise<unknown> = Promise.resolve();
const rebuilds = new Rebuilds({
  reader, positions, warehouse, lake, processor, temporaryFolder, journalPath,
  exclusively(work) {
    const result = tail.then(work);
    tail = result.catch(() => {});
    return result;
  },
  derived: { tables: DERIVED_TABLES, write: (source) => insertDerived(warehouse, source) },
  idsSinceMs: () => 0,
  swapped: () => steps.around('rebuild checkpoint', takeNow),
  nowMs: Date.now,
  room: { freeBytes: async () => Infinity, reserveBytes: 0 },
  bounds: { batchRows: 20, batchFiles: 2, lastRows: 0 },
  onError: (error) => console.error(error),
});
await rebuilds.resume();
if (rebuilds.view()?.state !== 'running' && rebuilds.view()?.state !== 'done') await rebuilds.begin(JSON.parse(request) as RebuildRequest);
// Intake goes on: what a run before this one has sent comes again, as senders do that got no answer.
for (let from = 60; from < 90; from += 10) await append(writer, eventsOf(from, from + 10));
await rebuilds.ended();
while ((await processor.balance()).pending > 0) await new Promise((resolve) => setTimeout(resolve, 10));
await processor.stop();

const rowsOf = async (sql: string): Promise<string[]> => (await warehouse.query<object>(sql)).rows.map((row) => JSON.stringify(row)).toSorted();
const facts: RebuildFacts = {
  tables: {
    events: await rowsOf('SELECT * EXCEPT (epoch, partition, offset, received_at) FROM events'),
    timeline: await rowsOf('SELECT * EXCEPT (epoch, partition, offset, received_at) FROM timeline'),
    ids: await rowsOf('SELECT hex(key) AS id, content FROM event_ids'),
    shadows: await rowsOf("SELECT name FROM system.tables WHERE database = currentDatabase() AND name LIKE 'rebuild_%'"),
  },
  state: rebuilds.view()?.state,
  mended: verified.broken.length + verified.vanished.length + Object.values(recovered.mended?.refilled ?? {}).reduce((sum, rows) => sum + rows, 0),
  balance: { ...(await processor.balance()) },
  steps: steps.passed,
};
writeFileSync(factsPath, JSON.stringify(facts));
lake.close();
await reader.close();
await writer.close();
await positions.close();
await warehouse.close();
process.exit(0);
