import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QuarantineRecord } from '@tidemark/pipeline';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';

/** A record that says that an item has left the quarantine, and its own offset. */
export interface ReplayedRow {
  record: QuarantineRecord & { kind: 'replayed' };
  offset: number;
}

const STRUCTURE = `project String, epoch String, topic String, partition UInt16, offset UInt64, received_at Int64, replayed_at Int64, by_offset UInt64`;

/** Writes down which items have left. The table is a set, so a second try may write all of them again. */
export async function writeReplayed(warehouse: Warehouse, temporaryFolder: string, rows: readonly ReplayedRow[], range: OffsetRange): Promise<void> {
  if (rows.length === 0) return;
  const file = join(temporaryFolder, 'quarantine-replayed.ndjson');
  const lines = rows.map(({ record: { project, of, itemReceivedAtMs, receivedAtMs }, offset }) =>
    JSON.stringify({ project, ...of, received_at: itemReceivedAtMs, replayed_at: receivedAtMs, by_offset: offset }),
  );
  await writeFile(file, lines.join('\n'));
  await warehouse.command(
    `INSERT INTO quarantine_replayed (project, epoch, topic, partition, offset, received_at, replayed_at, by_epoch, by_partition, by_offset)
     SELECT project, epoch, topic, partition, offset, fromUnixTimestamp64Milli(received_at, 'UTC'), fromUnixTimestamp64Milli(replayed_at, 'UTC'),
       ${literal(range.epoch)}, ${range.partition}, by_offset
     FROM file(${literal(file)}, 'JSONEachRow', ${literal(STRUCTURE)})`,
  );
  await rm(file, { force: true });
}
