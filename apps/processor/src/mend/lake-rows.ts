/**
 * Rows of the lake's files, written into tables that are made again. The engine reads them from the files by itself; only what a
 * row makes of its properties comes through here, in a file of its own that is joined by the offset: all of a row through here
 * took 12 us of CPU an event of 0.85 KB until it was in `events`, this takes 8 (chDB 26.7, 2026-11-22).
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROPERTY_INDEX_ROWS, propertyIndexRows } from '@tidemark/event';
import { rowsOfFiles, type Lake, type LakeFile } from '@tidemark/lake';
import { LAKE_COLUMNS, literal, POSITIONED_TABLES, type PositionedTable, type Warehouse } from '@tidemark/warehouse';

export interface LakeRowsParts {
  warehouse: Warehouse;
  lake: Lake;
  /** For files that the engine reads in passing. */
  temporaryFolder: string;
}

export interface LakeRows {
  files: readonly LakeFile[];
  /** SQL over the lake's columns, of literals only: what is asked of each file. */
  condition: string;
  /** The same, asked of what the files give together: may hold a query. */
  missing?: string;
}

const COLUMNS = [...LAKE_COLUMNS.map(([column]) => column), 'epoch', 'partition', 'offset'].join(', ');
/** Encoded properties that are joined at once: rows of 1 KB have 0.2 KB of them. */
const INDEX_BYTES = 32 << 20;
/** Rows that make one part, of which a copy or two are in memory: of smaller parts there are more to merge. */
const BLOCKS = 'use_hive_partitioning = 0, max_insert_threads = 1, max_threads = 2, min_insert_block_size_rows = 200000, min_insert_block_size_bytes = 134217728';

/** Writes rows into `target`, which has the columns of `table`. Throws WarehouseError. */
export async function insertFromLake({ warehouse, lake }: LakeRowsParts, table: Exclude<PositionedTable, 'events'>, target: string, rows: LakeRows): Promise<void> {
  for (const select of selects(lake, rows, COLUMNS)) await warehouse.command(insert(table, target, select));
}

/**
 * The same into a table with the columns of `events`. The condition has to name one log, where an offset tells the row. `indexBytes`:
 * so much of what is made of properties is joined at once. Throws WarehouseError.
 */
export async function insertEventsFromLake({ warehouse, lake, temporaryFolder }: LakeRowsParts, target: string, rows: LakeRows, indexBytes = INDEX_BYTES): Promise<void> {
  const file = join(temporaryFolder, `${target}.index`);
  const whole = selects(lake, rows, COLUMNS);
  for (const [index, properties] of selects(lake, rows, 'toUInt64(offset) AS offset, toString(properties) AS properties').entries()) {
    for await (const indexed of blocks(warehouse.stream(`${properties} SETTINGS use_hive_partitioning = 0`, 'RowBinary'), indexBytes)) {
      await writeFile(file, indexed);
      const joined = `SELECT * FROM (${whole[index]}) AS stored ANY INNER JOIN (SELECT * FROM file(${literal(file)}, 'RowBinary', ${literal(PROPERTY_INDEX_ROWS)})) AS indexed ON offset = place`;
      await warehouse.command(insert('events', target, joined));
    }
  }
  await rm(file, { force: true });
}

function selects(lake: Lake, { files, condition, missing }: LakeRows, columns: string): string[] {
  return rowsOfFiles(lake, files, columns, condition).map((rows) => (missing === undefined ? rows : `SELECT * FROM (${rows}) WHERE ${missing}`));
}

function insert(table: PositionedTable, target: string, rows: string): string {
  const mapping = POSITIONED_TABLES[table];
  const columns = [...mapping.map(([column]) => column), 'epoch', 'partition', 'offset'];
  const values = mapping.map(([column, expression]) => `${expression} AS new_${column}`);
  return `INSERT INTO ${target} (${columns.join(', ')}) SELECT ${values.join(', ')}, epoch, partition, offset FROM (${rows}) SETTINGS ${BLOCKS}`;
}

/** The properties' index of whole rows, some `atLeast` bytes at a time. */
async function* blocks(stream: AsyncIterable<Buffer>, atLeast: number): AsyncIterable<Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const { rows, read } = propertyIndexRows(bytes);
    rest = bytes.subarray(read);
    waiting.push(rows);
    size += rows.length;
    if (size < atLeast) continue;
    yield waiting;
    [waiting, size] = [[], 0];
  }
  if (rest.length > 0) throw new Error(`A row of the lake broke off, ${rest.length} bytes before its end.`);
  if (size > 0) yield waiting;
}
