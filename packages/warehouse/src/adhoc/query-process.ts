/**
 * The process of one query: it takes an order, judges the query in an engine that holds nothing, is handed the project's
 * files, runs the query over them, and ends. It knows no other folder, and whoever wants it to stop kills it.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Session as ChdbSession } from 'chdb';
import { chdbConfig } from '../chdb/config.ts';
import { literal } from '../literal.ts';
import { engineError } from './engine-error.ts';
import { notAllowed, type Reads } from './judge.ts';
import type { AdhocOrder, Column, FromQuery } from './order.ts';
import { Planner, type Judged } from './planner.ts';
import { AdhocRefusal } from './refusal.ts';
import { JSON_SETTINGS, jsonValue, type Json } from './values.ts';

const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');

/** The descriptor that it reports on. */
const REPORTS = 3;
/** Behind everybody who waits for an answer of the engine's own. */
const NICENESS = 10;
/** The engine's own needs, beside what a query may take. */
const ENGINE_BYTES = 256 << 20;
const FULL = 'views';

/** Never returns: the process ends with the query. */
export async function runQueryProcess(): Promise<never> {
  setPriority(NICENESS);
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    // Nobody is left who could want an answer.
    if (done === true) process.exit(0);
    return value;
  };
  const order = JSON.parse(await next()) as AdhocOrder;
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-sql-'));
  try {
    const query = new Query(order, folder);
    const { reads, estimatedRows } = await query.judge();
    report({ type: 'judged', views: [...reads.views], persons: reads.persons, estimatedRows });
    await next();
    // The engine that gave the order is gone, and with it who would kill this process.
    void next();
    report(await query.run(reads));
  } catch (error) {
    const { code, message, value } = refusalOf(error, order);
    report({ type: 'refused', code, detail: message, ...(value !== undefined && { value }) });
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
}

function report(message: FromQuery): void {
  const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(REPORTS, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

class Query {
  readonly #order: AdhocOrder;
  readonly #session: ChdbSession;
  readonly #planner: Planner;
  #canonical = '';

  constructor(order: AdhocOrder, folder: string) {
    const config = join(folder, 'config.xml');
    writeFileSync(config, chdbConfig({ maxMemoryBytes: order.bounds.memoryBytes + ENGINE_BYTES, threads: 1 }));
    this.#order = order;
    this.#session = new Session(join(folder, 'data'), { connectionArgs: [`--config-file=${config}`] });
    this.#planner = new Planner(this.#session, order);
  }

  /** Throws an AdhocRefusal, or what the engine throws at an illegal query. */
  async judge(): Promise<Judged> {
    await this.#planner.prepare();
    const judged = await this.#planner.judge(this.#order.query);
    this.#canonical = judged.canonical;
    return judged;
  }

  /** Runs what was judged, over the files that are there by now. Throws as `judge` does. */
  async run({ persons }: Reads): Promise<FromQuery> {
    const { format, folder } = this.#order;
    await this.#planner.define(FULL, (name) => `ENGINE = File(Parquet, ${literal(join(folder, name, '*.parquet'))})`, persons);
    const shown = Object.entries(format === 'parquet' ? {} : JSON_SETTINGS).map(([name, value]) => `${name} = ${value}`);
    // By `readonly` the engine itself refuses table functions that read files or URLs, and writing (chDB 26.7).
    await this.#planner.do(`SET ${['use_hive_partitioning = 0', 'system_events_show_zero_values = 1', "timeout_overflow_mode = 'throw'", ...shown, 'readonly = 1'].join(', ')}`);
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
    // Each look reads rows itself, always as many.
    const [first, before] = [await this.#rowsRead(), await this.#rowsRead()];
    let bytes = 0;
    for await (const chunk of this.#session.queryStream(this.#canonical, { format: 'JSONCompactEachRowWithNamesAndTypes' })) {
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
    columns ??= (await this.#planner.lines(`DESCRIBE (${this.#canonical})`, 'JSONEachRow')).map((line) => {
      const { name, type } = JSON.parse(line) as Column;
      return { name, type };
    });
    return { type: 'answer', columns, rows, rowsRead: (await this.#rowsRead()) - before - (before - first) };
  }

  async #rowsRead(): Promise<number> {
    const [count = '0'] = await this.#planner.lines("SELECT value FROM system.events WHERE event = 'SelectedRows'");
    return Number(count);
  }

  async #stream(format: string): Promise<void> {
    let [first, written] = [true, 0];
    for await (const chunk of this.#session.queryStream(this.#canonical, { format })) {
      const bytes = Buffer.from(chunk.raw());
      // Each chunk is a document of its own, so all but the first lose their header line.
      const part = first || format !== 'CSVWithNames' ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1);
      first = false;
      written += part.length;
      if (written > this.#order.bounds.bytes) throw tooLargeFile(this.#order.bounds.bytes);
      if (!process.stdout.write(part)) await new Promise((resume) => process.stdout.once('drain', resume));
    }
    await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  }

  /** A Parquet file ends with its index, so it is written whole before it is sent. */
  async #file(): Promise<FromQuery> {
    const file = 'result.parquet';
    const path = join(this.#order.folder, file);
    await this.#planner.do(`${this.#canonical} INTO OUTFILE ${literal(path)} FORMAT Parquet`);
    if (statSync(path).size > this.#order.bounds.bytes) throw tooLargeFile(this.#order.bounds.bytes);
    return { type: 'written', file };
  }
}

function tooLargeFile(bytes: number): AdhocRefusal {
  return new AdhocRefusal('sql_result_too_large', `The file is larger than ${bytes} bytes: ask for less.`);
}

const MAX_DETAIL_CHARS = 500;

function refusalOf(error: unknown, { bounds, folder }: AdhocOrder): AdhocRefusal {
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
