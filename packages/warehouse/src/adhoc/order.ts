/**
 * What the engine and the process of a query say to each other: JSON lines, on its standard input and on descriptor 3. First the
 * process is told how to start, then, at once or later, the query, then that the files are there.
 */
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

/** A relation that a view reads: files in a folder of its name. Parquet where its reading is estimated, else ClickHouse's Native. */
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
  /** The tables that it may read. */
  reads: readonly string[];
}

/** Statements that a process that waits has judged and run before, over rows drawn by chance: all that they need is then in its memory. */
export interface AdhocRehearsal {
  tables: readonly AdhocTable[];
  views: readonly AdhocView[];
  estimated: string;
  queries: readonly string[];
}

export interface AdhocStart {
  memoryBytes: number;
  rehearsal?: AdhocRehearsal;
}

/** A stretch of event time that so many rows lie in; epoch ms, inclusive. */
export interface Extent {
  fromMs: number;
  toMs: number;
  rows: number;
}

/** Within the folder of a query all that its process may write to; the rest it is handed, to be read. */
export const RESULTS_FOLDER = 'results';
/** Where a result is that is written whole before it is sent. The engine asks the process for no path. */
export const RESULT_FILE = `${RESULTS_FOLDER}/result.parquet`;

export interface AdhocOrder {
  query: string;
  /** The rows that it would read are told, however few they may be. */
  explain: boolean;
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
  /** It has started, and waits for its query. `anonymousBytes`: what it holds of the machine's memory for itself alone. */
  | { type: 'ready'; anonymousBytes: number }
  /** It may run: which views it reads, whether it asks whose events are. The files are now waited for. */
  | { type: 'judged'; views: string[]; persons: boolean; estimatedRows?: number }
  | { type: 'answer'; columns: Column[]; rows: Json[][]; rowsRead: number }
  /** All of a stream is on the standard output, or in RESULT_FILE. */
  | { type: 'written' }
  | { type: 'refused'; code: AdhocCode; detail: string; value?: string | number };
