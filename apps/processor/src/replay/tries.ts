import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FieldFault, ItemPosition } from '@tidemark/pipeline';
import { literal, type Warehouse } from '@tidemark/warehouse';

/** An item that stays, and why. */
export interface FailedTry {
  at: ItemPosition;
  receivedAtMs: number;
  faults: readonly FieldFault[];
}

const STRUCTURE = 'epoch String, topic String, partition UInt16, offset UInt64, received_at Int64, reasons String';

/** Notes why items of a project could not be replayed; the last note of an item counts. Throws WarehouseError. */
export async function noteTries(warehouse: Warehouse, temporaryFolder: string, project: string, tries: readonly FailedTry[], nowMs: number): Promise<void> {
  if (tries.length === 0) return;
  const file = join(temporaryFolder, 'quarantine-tries.ndjson');
  const lines = tries.map(({ at, receivedAtMs, faults }) => JSON.stringify({ ...at, received_at: receivedAtMs, reasons: JSON.stringify(faults) }));
  await writeFile(file, lines.join('\n'));
  await warehouse.command(
    `INSERT INTO quarantine_tries (project, epoch, topic, partition, offset, received_at, tried_at, reasons)
     SELECT ${literal(project)}, epoch, topic, partition, offset, fromUnixTimestamp64Milli(received_at, 'UTC'), fromUnixTimestamp64Milli(${nowMs}, 'UTC'), reasons
     FROM file(${literal(file)}, 'JSONEachRow', ${literal(STRUCTURE)})`,
  );
  await rm(file, { force: true });
}
