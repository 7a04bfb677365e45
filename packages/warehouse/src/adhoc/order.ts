/** What the engine and the process of a query say to each other: JSON lines, on its standard input and on descriptor 3. */
import type { AdhocCode } from './refusal.ts';
import type { Json } from './values.ts';

export type ResultFormat = 'json' | 'csv' | 'ndjson' | 'parquet';

export interface AdhocBounds {
  timeoutMs: number;
  memoryBytes: number;
  /** By the estimate. */
  rowsToRead: number;
  /** Of an answer as JSON. */
  rows: number;
  bytes: number;
}

/** A relation that a view reads: Parquet files in a folder of its name. */
export interface AdhocTable {
  name: string;
  /** As in CREATE TABLE: `project String, time DateTime64(3, 'UTC')`. */
  columns: string;
}

export interface AdhocView {
  name: string;
  /** Over the tables. */
  select: string;
  /** The same columns without whose an event is, where that costs nothing. */
  selectWithoutPersons?: string;
}

/** A stretch of event time that so many rows lie in; epoch ms, inclusive. */
export interface Extent {
  fromMs: number;
  toMs: number;
  rows: number;
}

export interface AdhocOrder {
  query: string;
  format: ResultFormat;
  tables: readonly AdhocTable[];
  views: readonly AdhocView[];
  /** The table whose reading is estimated, by its column `time`. */
  estimated: { table: string; extents: readonly Extent[] };
  bounds: AdhocBounds;
  /** Where the tables' folders will be. */
  folder: string;
}

export interface Column {
  name: string;
  type: string;
}

export type FromQuery =
  /** It may run: which views it reads, whether it asks whose events are. The files are now waited for. */
  | { type: 'judged'; views: string[]; persons: boolean; estimatedRows: number }
  | { type: 'answer'; columns: Column[]; rows: Json[][]; rowsRead: number }
  /** All of a stream is on the standard output, or in the file. */
  | { type: 'written'; file?: string }
  | { type: 'refused'; code: AdhocCode; detail: string; value?: string | number };
