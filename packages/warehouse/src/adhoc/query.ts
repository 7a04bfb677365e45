/** One query: judged, then run over the files that it was handed. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { literal } from '../literal.ts';
import { engineError } from './engine-error.ts';
import { notAllowed, type Reads } from './judge.ts';
import { RESULT_FILE, type AdhocOrder, type Column, type FromQuery } from './order.ts';
import { Planner, type Judged } from './planner.ts';
import type { QueryEngine } from './query-engine.ts';
import { AdhocRefusal } from './refusal.ts';
import { JSON_SETTINGS, jsonValue, type Json } from './values.ts';

export class Query {
  readonly #order: AdhocOrder;
  readonly #engine: QueryEngine;
  readonly #planner: Planner;
  #canonical = '';
  #rowsReadBefore = 0;

  constructor(order: AdhocOrder, engine: QueryEngine) {
    this.#order = order;
    this.#engine = engine;
    this.#planner = new Planner(engine, order);
  }

  /** Throws an AdhocRefusal, or what the engine throws at an illegal query. */
  async judge(): Promise<Judged> {
    await this.#planner.prepare();
    const judged = await this.#planner.judge(this.#order.query);
    this.#canonical = judged.canonical;
    return judged;
  }

  /** What `run` needs, as far as it can be done before the files are there. */
  async prepare(reads: Reads): Promise<void> {
    await this.#planner.clear(reads);
    this.#rowsReadBefore = await this.#engine.rowsRead();
  }

  /** Runs what was judged and prepared, over the files that are there by now. Throws as `judge` does. */
  async run(reads: Reads): Promise<FromQuery> {
    const { format, folder } = this.#order;
    await this.#planner.overFiles(folder, reads);
    const shown = Object.entries(format === 'parquet' ? {} : JSON_SETTINGS).map(([name, value]) => `${name} = ${value}`);
    // By `readonly` the engine itself refuses table functions that read files or URLs, and writing (chDB 26.7).
    await this.#engine.do(`SET ${["timeout_overflow_mode = 'throw'", ...shown, 'readonly = 1'].join(', ')}`);
    if (format === 'json') return this.#answer();
    if (format === 'parquet') return this.#file();
    await this.#stream(format === 'csv' ? 'CSVWithNames' : 'JSONEachRow');
    return { type: 'written' };
  }

  /** Chunk by chunk, so that one that is too large is not made whole first: chDB 26.7 keeps no `max_result_rows`. */
  async #answer(): Promise<FromQuery> {
    const { bounds } = this.#order;
    let columns: Column[] | undefined;
    let shown: ((value: Json) => Json)[] = [];
    const rows: Json[][] = [];
    let bytes = 0;
    for await (const chunk of this.#engine.session.queryStream(this.#canonical, { format: 'JSONCompactEachRowWithNamesAndTypes' })) {
      bytes += chunk.numBytes;
      // Each chunk is a document of its own.
      const [names, types, ...lines] = chunk.text().trimEnd().split('\n');
      if (rows.length + lines.length > bounds.rows || bytes > bounds.bytes) {
        throw new AdhocRefusal('sql_result_too_large', `The answer has more than ${bounds.rows} rows or ${bounds.bytes} bytes: ask for less, or for a file with "format".`);
      }
      if (columns === undefined) {
        const typeOf = JSON.parse(types ?? '[]') as string[];
        columns = (JSON.parse(names ?? '[]') as string[]).map((name, i) => ({ name, type: typeOf[i] ?? '' }));
        shown = columns.map(({ type }) => jsonValue(type));
      }
      for (const line of lines) rows.push((JSON.parse(line) as Json[]).map((value, i) => shown[i]!(value)));
    }
    columns ??= (await this.#engine.lines(`DESCRIBE (${this.#canonical})`, 'JSONEachRow')).map((line) => {
      const { name, type } = JSON.parse(line) as Column;
      return { name, type };
    });
    return { type: 'answer', columns, rows, rowsRead: (await this.#engine.rowsRead()) - this.#rowsReadBefore };
  }

  async #stream(format: string): Promise<void> {
    let headerBytes: number | undefined;
    let written = 0;
    for await (const chunk of this.#engine.session.queryStream(this.#canonical, { format })) {
      const bytes = Buffer.from(chunk.raw());
      // Each chunk is a document of its own, so all but the first lose their header, which is the same in each.
      const part = bytes.subarray(headerBytes ?? 0);
      headerBytes ??= format === 'CSVWithNames' ? csvHeaderBytes(bytes) : 0;
      written += part.length;
      if (written > this.#order.bounds.bytes) throw tooLargeFile(this.#order.bounds.bytes);
      if (!process.stdout.write(part)) await new Promise((resume) => process.stdout.once('drain', resume));
    }
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  }

  /**
   * A Parquet file ends with its index, so it is written whole before it is sent. The kernel stops it just beyond its bound (confine.ts):
   * of that, as of a full disk, chDB 26.7 says nothing and runs to the end of the query.
   */
  async #file(): Promise<FromQuery> {
    const { folder, bounds } = this.#order;
    const path = join(folder, RESULT_FILE);
    const written = new AbortController();
    try {
      await Promise.race([this.#engine.do(`${this.#canonical} INTO OUTFILE ${literal(path)} FORMAT Parquet`), watch(path, bounds.bytes, written.signal)]);
    } finally {
      written.abort();
    }
    judgeSize(path, bounds.bytes);
    if (!endsAsParquet(path)) throw new Error('the result could not be written to its end: is the disk full?');
    return { type: 'written' };
  }
}

/** The header's last line break is the first that stands in no quotes: a name may hold some. A quote in a name is doubled. */
function csvHeaderBytes(csv: Buffer): number {
  let isQuoted = false;
  for (const [i, byte] of csv.entries()) {
    if (byte === QUOTE) isQuoted = !isQuoted;
    else if (byte === LINE_BREAK && !isQuoted) return i + 1;
  }
  return csv.length;
}

const QUOTE = 0x22;
const LINE_BREAK = 0x0a;

const LOOK_EVERY_MS = 100;

/** Throws when the file is larger than it may be, or `over`. */
async function watch(path: string, mostBytes: number, over: AbortSignal): Promise<never> {
  for (;;) {
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: over });
    judgeSize(path, mostBytes);
  }
}

function judgeSize(path: string, mostBytes: number): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > mostBytes) throw tooLargeFile(mostBytes);
}

function endsAsParquet(path: string): boolean {
  const end = Buffer.alloc(4);
  const file = openSync(path, 'r');
  readSync(file, end, 0, end.length, Math.max(0, statSync(path).size - end.length));
  closeSync(file);
  return end.toString('latin1') === 'PAR1';
}

function tooLargeFile(bytes: number): AdhocRefusal {
  return new AdhocRefusal('sql_result_too_large', `The file is larger than ${bytes} bytes: ask for less.`);
}

const MAX_DETAIL_CHARS = 500;

/** What is told of an error that ended a query; one that is not the engine's is thrown. */
export function refusalOf(error: unknown, { bounds, folder }: AdhocOrder): AdhocRefusal {
  if (error instanceof AdhocRefusal) return error;
  const { number, message } = engineError(error);
  if (number === 0) throw error;
  if (number === 159 || number === 160) return new AdhocRefusal('sql_timeout', `The query took longer than ${bounds.timeoutMs / 1000} s: ask for a shorter time, or of fewer events.`);
  if (number === 241) return new AdhocRefusal('sql_out_of_memory', `The query took more memory than ${bounds.memoryBytes} bytes: ask for a shorter time, or for fewer groups.`);
  // 60 UNKNOWN_TABLE, 81 UNKNOWN_DATABASE, 46 UNKNOWN_FUNCTION
  const [, unknown] = /identifier '([^']+)'|Function with name '?`?(\w+)/.exec(message) ?? [];
  if ((number === 60 || number === 81 || number === 46) && unknown !== undefined) return notAllowed(unknown, `There is no ${unknown} among the views and functions`);
  const words = message.replaceAll(folder, '').replace(/: In scope .*$/s, '').slice(0, MAX_DETAIL_CHARS).toWellFormed();
  return new AdhocRefusal('sql_invalid', `ClickHouse says: ${words}`);
}
