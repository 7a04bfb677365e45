import { WarehouseError } from './warehouse.ts';

/**
 * ClickHouse's numbers for a store's own files that are not what was written (ErrorCodes.cpp there): checksum doesn't
 * match, no or an unexpected or a wrongly sized file in a part, corrupted data, can't decompress, unknown codec.
 */
const DAMAGE: ReadonlySet<number> = new Set([40, 226, 227, 228, 246, 271, 432]);

/** What ClickHouse adds to any error that it met while it read a part: `(while reading from part …/202601_1_1_0/ …)`. */
const WHILE_READING = /\(while reading from part (\S+?)\/? (?:in table (\S+)|located)/;

export interface StoreDamage {
  /** Name of the part, `202601_1_1_0`; undefined when the error does not tell. */
  part: string | undefined;
  table: string | undefined;
}

/** Whether an error says that a store's files are damaged: no fault of the question, nor of rows that were to be written. */
export function storeDamage(error: unknown): StoreDamage | undefined {
  if (!(error instanceof WarehouseError)) return undefined;
  const [, path, table] = WHILE_READING.exec(error.message) ?? [];
  if (!DAMAGE.has(error.number) && path === undefined) return undefined;
  return { part: path?.split('/').at(-1), table: table?.split('.').at(1) ?? table };
}

/** The same by the number alone, which no row can feign by what is quoted of it. */
export function isDamageNumber(number: number): boolean {
  return DAMAGE.has(number);
}
