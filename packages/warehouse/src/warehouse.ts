/** The warehouse port: SQL in, rows out. The same SQL runs on chDB in process and on a ClickHouse server. */
export interface Answer<Row> {
  rows: Row[];
  rowsRead: number;
  elapsedMs: number;
}

/** RowBinary is for our own reading: fixed-width columns without parsing. */
export type StreamFormat = 'JSONEachRow' | 'CSVWithNames' | 'Parquet' | 'RowBinary';

export interface Warehouse {
  /**
   * Runs one SELECT and returns its rows as objects (64-bit integers as numbers, DateTime64 as text in UTC).
   * Values reach `sql` only through `literal()`. Throws WarehouseError.
   */
  query<Row>(sql: string, options?: { maxMemoryBytes?: number; timeoutMs?: number }): Promise<Answer<Row>>;
  /** Streams a SELECT in a ClickHouse output format, chunk by chunk. */
  stream(sql: string, format: StreamFormat): AsyncIterable<Buffer>;
  /** Runs a statement that answers nothing (DDL, INSERT … SELECT). What it did to tables on disk is durable when it resolves. */
  command(sql: string): Promise<void>;
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
