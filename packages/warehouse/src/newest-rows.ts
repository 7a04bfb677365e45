/** Where in a table its newest rows lie: the engine counts its writes (blocks), and a part's name tells which of them it holds. */
import { literal } from './literal.ts';
import type { Warehouse } from './warehouse.ts';

/** A moment of a table: the rows that were there by then. */
export interface WritesSeen {
  /** The table's UUID: of another one that took its name, the count says nothing. */
  table: string;
  /** The engine's number of the last write. */
  block: number;
}

/** To be asked before the rows are read that it is to stand for. Undefined where there is no such table. Throws WarehouseError. */
export async function writesSeen(warehouse: Warehouse, table: string): Promise<WritesSeen | undefined> {
  const { rows } = await warehouse.query<{ table: string; block: number }>(
    `SELECT toString(uuid) AS table, (SELECT max(max_block_number) FROM system.parts WHERE database = currentDatabase() AND table = ${literal(table)} AND active) AS block FROM system.tables WHERE database = currentDatabase() AND name = ${literal(table)}`,
  );
  const [row] = rows;
  return row && { table: row.table, block: Number(row.block) };
}

/**
 * Condition that holds for every row written since, and for rows that were merged with one of these. Parts without such rows are not
 * opened: their names are enough.
 */
export function writtenSince({ block }: WritesSeen): string {
  // <partition>_<first block>_<last block>_<level>
  return `toUInt64OrZero(splitByChar('_', _part)[3]) > ${block}`;
}
