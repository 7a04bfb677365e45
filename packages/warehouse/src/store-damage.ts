import { WarehouseError } from './warehouse.ts';

/**
 * ClickHouse's numbers for a store's own files that are not what was written (ErrorCodes.cpp there): checksum doesn't
 * match, no or an unexpected or a wrongly sized file in a part, corrupted data, can't decompress, unknown codec.
 */
const DAMAGE: ReadonlySet<number> = new Set([40, 226, 227, 228, 246, 271, 432]);

/** What ClickHouse adds to any error that it met while it read a part: `(while reading from part …/202601_1_1_0/ …)`. */
const WHILE_READING = /\(while reading from part (\S+?)\/? (?:in table (\S+)|located)/;

/**
 * A block's header says how large it is: memory for it is asked for before its checksum could tell that a bit of it was flipped. No block of ours
 * has more than 1 MiB (chDB 26.7: error 241, "attempt to allocate chunk of 1.00 GiB … While reading or decompressing …/part/file").
 */
const UNPACKING = /attempt to allocate chunk of ([\d.]+) ([KMG])iB.*?While reading or decompressing (\S+)/s;
const LARGEST_BLOCK_MIB = 16;
const MIB: Readonly<Record<string, number>> = { K: 1 / 1024, M: 1, G: 1024 };

/** The file in which a block is said to be larger than any is. */
export function impossibleBlock(error: unknown): string | undefined {
  if (!(error instanceof WarehouseError) || error.number !== 241) return undefined;
  const [, size, unit, file] = UNPACKING.exec(error.message) ?? [];
  return Number(size) * MIB[unit ?? '']! > LARGEST_BLOCK_MIB ? file : undefined;
}

/** ClickHouse's numbers for a column or a table that is not there, or is of another type: no such column, unknown identifier, unknown table, type mismatch. */
const OTHER_TABLES: ReadonlySet<number> = new Set([16, 47, 53, 60]);

/** Whether an error of a statement of ours says that the tables are not those that the migrations make. */
export function isOfOtherTables(error: unknown): error is WarehouseError {
  return error instanceof WarehouseError && OTHER_TABLES.has(error.number);
}

export interface StoreDamage {
  /** Name of the part, `202601_1_1_0`; undefined when the error does not tell. */
  part: string | undefined;
  table: string | undefined;
}

/** Whether an error says that a store's files are damaged: no fault of the question, nor of rows that were to be written. */
export function storeDamage(error: unknown): StoreDamage | undefined {
  if (!(error instanceof WarehouseError)) return undefined;
  const block = impossibleBlock(error);
  if (block !== undefined) return { part: block.split('/').at(-2), table: undefined };
  const [, path, table] = WHILE_READING.exec(error.message) ?? [];
  if (!DAMAGE.has(error.number) && path === undefined) return undefined;
  return { part: path?.split('/').at(-1), table: table?.split('.').at(1) ?? table };
}

/** The same by the number alone, which no row can feign by what is quoted of it. */
export function isDamageNumber(number: number): boolean {
  return DAMAGE.has(number);
}
