/** The lake's rows in the form in which the log has them, for tables that are made again: the JSON column takes what a row has made of the properties. */
import { STRING_COLUMNS, withPropertyIndex } from '@tidemark/event';
import { rowsOfFiles, type Lake, type LakeFile } from '@tidemark/lake';
import type { Warehouse } from '@tidemark/warehouse';

/** Of rows that are in memory at once. */
export const BLOCK_BYTES = 16 << 20;

/** The columns of a row in their order and types, from a file of the lake. */
const ROW_COLUMNS = [
  'toUInt64(offset)', 'toFixedString(key, 16)', 'toUInt32(content)', 'toUInt16(flags)', 'toUInt8(bot)',
  ...['time', 'received_at', 'original_time'].map((column) => `toDateTime64(${column}, 3, 'UTC')`),
  'toInt64(sequence)', ...STRING_COLUMNS.map(([column]) => `toString(${column})`),
].join(', ');

/**
 * Those rows of `files` that meet `condition` (SQL over the lake's columns, of literals only), whole, some 16 MB at a time.
 * A row does not tell its log: the condition has to name one epoch and partition.
 */
export async function* rowsFromLake(warehouse: Warehouse, lake: Lake, files: readonly LakeFile[], condition: string): AsyncIterable<Buffer> {
  for (const select of rowsOfFiles(lake, files, ROW_COLUMNS, condition)) {
    yield* blocks(warehouse.stream(`${select} SETTINGS use_hive_partitioning = 0`, 'RowBinary'));
  }
}

/** Whole rows, with the properties' index behind each. */
async function* blocks(stream: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let rest = Buffer.alloc(0);
  let waiting: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.concat([rest, chunk]);
    const { rows, read } = withPropertyIndex(bytes);
    rest = bytes.subarray(read);
    waiting.push(rows);
    size += rows.length;
    if (size < BLOCK_BYTES) continue;
    yield Buffer.concat(waiting);
    [waiting, size] = [[], 0];
  }
  if (rest.length > 0) throw new Error(`A row of the lake broke off, ${rest.length} bytes before its end.`);
  if (size > 0) yield Buffer.concat(waiting);
}
