/** One query: judged, then run over the files that it was handed. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { literal } from '../literal.ts';
import { engineError } from './engine-error.ts';
import { notAllowed, type Reads } from './judge.ts';
import type { AdhocOrder, Column, FromQuery } from './order.ts';
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
    let [first, written] = [true, 0];
    for await (const chunk of this.#engine.session.queryStream(this.#canonical, { format })) {
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
    await this.#engine.do(`${this.#canonical} INTO OUTFILE ${literal(path)} FORMAT Parquet`);
    if (statSync(path).size > this.#order.bounds.bytes) throw tooLargeFile(this.#order.bounds.bytes);
    return { type: 'written', file };
  }
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
