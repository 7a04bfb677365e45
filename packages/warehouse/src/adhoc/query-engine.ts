/** The engine in the process of a query: no file, no other project, one thread. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Session as ChdbSession } from 'chdb';
import { chdbConfig } from '../chdb/config.ts';
import { FunctionNames, type EngineFunction } from './function-names.ts';

/** Its own needs, beside what a query may take. */
const ENGINE_BYTES = 256 << 20;
/** Of every statement in it. */
const SETTINGS = [
  'max_threads = 1',
  'max_query_size = 4000000',
  "session_timezone = 'UTC'",
  'use_hive_partitioning = 0',
  'system_events_show_zero_values = 1',
  // `sum(if(condition, f(x), 0))` stays what it is and f is told of few rows; rewritten as sumIf it is told of all (chDB 26.7).
  'optimize_rewrite_aggregate_function_with_if = 0',
];

export class QueryEngine {
  readonly session: ChdbSession;
  readonly functions: FunctionNames;
  /** A look at the counters reads rows itself, always as many. */
  #rowsOfALook = 0;
  #rowsOfLooks = 0;

  /** `folder`: an empty one. `memoryBytes`: what a query may take. */
  static async open(folder: string, memoryBytes: number): Promise<QueryEngine> {
    const { Session } = createRequire(import.meta.url)('chdb') as typeof import('chdb');
    const config = join(folder, 'config.xml');
    writeFileSync(config, chdbConfig({ maxMemoryBytes: memoryBytes + ENGINE_BYTES, threads: 1 }));
    const session = new Session(join(folder, 'data'), { connectionArgs: [`--config-file=${config}`] });
    return QueryEngine.over(session);
  }

  /** Over a session that is new. */
  static async over(session: ChdbSession): Promise<QueryEngine> {
    const run = await session.queryAsync('SELECT name, alias_to, case_insensitive FROM system.functions', { format: 'JSONEachRow' });
    const functions = new FunctionNames(nonEmptyLines(run.text()).map((line) => JSON.parse(line) as EngineFunction));
    const engine = new QueryEngine(session, functions);
    await engine.do(`SET ${SETTINGS.join(', ')}`);
    const [first, second] = [await engine.#selectedRows(), await engine.#selectedRows()];
    engine.#rowsOfALook = second - first;
    return engine;
  }

  private constructor(session: ChdbSession, functions: FunctionNames) {
    this.session = session;
    this.functions = functions;
  }

  /** Rows of files that its statements have read so far: chDB 26.7 counts each of them twice, and those of tables once. */
  async rowsRead(): Promise<number> {
    const rows = (await this.#selectedRows()) - this.#rowsOfLooks;
    this.#rowsOfLooks += this.#rowsOfALook;
    return Math.floor(rows / 2);
  }

  async #selectedRows(): Promise<number> {
    const [count = '0'] = await this.lines("SELECT value FROM system.events WHERE event = 'SelectedRows'");
    return Number(count);
  }

  async do(sql: string): Promise<void> {
    await this.session.queryAsync(sql);
  }

  /** The lines of an answer, without empty ones. */
  async lines(sql: string, format = 'TSVRaw'): Promise<string[]> {
    const result = await this.session.queryAsync(sql, { format });
    return nonEmptyLines(result.text());
  }
}

const nonEmptyLines = (text: string): string[] => text.split('\n').filter((line) => line !== '');
