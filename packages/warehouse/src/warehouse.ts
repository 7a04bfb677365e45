import type { RowBinary } from './row-binary.ts';

/** The warehouse port: SQL in, rows out. The same SQL runs on chDB in process and on a ClickHouse server. */
export interface Answer<Row> {
  rows: Row[];
  rowsRead: number;
  elapsedMs: number;
}

/** RowBinary is for our own reading: fixed-width columns without parsing. */
export type StreamFormat = 'JSONEachRow' | 'CSVWithNames' | 'Parquet' | 'RowBinary';

/** What a statement that somebody waits for may take; absent = what the engine allows. */
export interface StatementBounds {
  maxMemoryBytes?: number;
  timeoutMs?: number;
}

export interface Warehouse {
  /**
   * Runs one SELECT and returns its rows as objects (64-bit integers as numbers, DateTime64 as text in UTC).
   * Values reach `sql` only through `literal()`. Throws WarehouseError.
   */
  query<Row>(sql: string, bounds?: StatementBounds): Promise<Answer<Row>>;
  /** The rows of one SELECT as the values of its columns: nothing is escaped, split or parsed, and what is not needed is left out. `aim`: it finds a few rows by a table's key. Throws WarehouseError. */
  binary(sql: string, aim?: 'point'): Promise<RowBinary>;
  /** Streams a SELECT in a ClickHouse output format, chunk by chunk. */
  stream(sql: string, format: StreamFormat): AsyncIterable<Buffer>;
  /** Runs a statement that answers nothing (DDL, INSERT … SELECT). What it did to tables on disk is durable when it resolves. */
  command(sql: string, bounds?: StatementBounds): Promise<void>;
  /**
   * A number that has grown whenever a command named the table since, at its start and at its end: what was read while it
   * stayed the same is what the table holds. Absent where others write to the tables, too.
   */
  writes?(table: string): number;
  /**
   * For how long (ms) nobody has waited for an answer: 0 while a statement with bounds runs or waits its turn. Absent where it can't be known.
   */
  unaskedMs?(): number;
  close(): Promise<void>;
}

export class WarehouseError extends Error {
  /** ClickHouse's own error number, 0 when it gave none. */
  readonly number: number;
  constructor(message: string, number: number) {
    super(message);
    this.number = number;
  }
}
