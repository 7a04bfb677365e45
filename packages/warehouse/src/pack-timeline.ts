/** Brings the rows of a timeline of before migration 014 into the table of today. */
import { literal } from './literal.ts';
import { POSITIONED_TABLES } from './tables.ts';
import type { Warehouse } from './warehouse.ts';

const UNPACKED = 'timeline_unpacked';
const OF_ANY_SIZE = 'SETTINGS max_table_size_to_drop = 0, max_partition_size_to_drop = 0';
/** The rows lie in order already; smaller blocks only bound the memory (events of 32 KB each would take 640 MB). */
const BLOCKS = 'max_threads = 1, max_insert_threads = 1, min_insert_block_size_rows = 100000, min_insert_block_size_bytes = 100000000, max_insert_block_size = 20000';

/**
 * A month at a time, so that only one lies there twice: it stays in the old table until it is whole in the new one, and what a kill left
 * of it there is thrown away. Nothing else may write meanwhile. 5 us of CPU a row. Throws WarehouseError.
 */
export async function packTimeline(warehouse: Warehouse): Promise<void> {
  const { rows: old } = await warehouse.query(`SELECT 1 FROM system.tables WHERE database = currentDatabase() AND name = ${literal(UNPACKED)}`);
  if (old.length === 0) return;
  const { rows: partitions } = await warehouse.query<{ id: string }>(
    `SELECT DISTINCT partition_id AS id FROM system.parts WHERE database = currentDatabase() AND table = ${literal(UNPACKED)} AND active ORDER BY id`,
  );
  const columns = [...POSITIONED_TABLES.timeline, ...['epoch', 'partition', 'offset'].map((column) => [column, column] as const)];
  for (const { id } of partitions) {
    await warehouse.command(`ALTER TABLE timeline DROP PARTITION ID ${literal(id)} ${OF_ANY_SIZE}`);
    await warehouse.command(
      `INSERT INTO timeline (${columns.map(([column]) => column).join(', ')}) SELECT ${columns.map(([, expression]) => expression).join(', ')}
FROM ${UNPACKED} WHERE _partition_id = ${literal(id)} SETTINGS ${BLOCKS}`,
    );
    await warehouse.command(`ALTER TABLE ${UNPACKED} DROP PARTITION ID ${literal(id)} ${OF_ANY_SIZE}`);
  }
  await warehouse.command(`DROP TABLE ${UNPACKED} SYNC ${OF_ANY_SIZE}`);
}
