import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { createClient } from '@clickhouse/client';
import type { Session as ChdbSession } from 'chdb';
import type { Answer, StatementBounds, StreamFormat, Warehouse } from '../warehouse.ts';
import { WarehouseError } from '../warehouse.ts';
import { literal } from '../literal.ts';
import { RowBinary } from '../row-binary.ts';
import { Askers } from './askers.ts';
import { chdbConfig, FREE_BYTES_PER_THREAD, POINT_SETTINGS, SESSION_SETTINGS } from './config.ts';
import { ConnectionPool, type Connected } from './connection-pool.ts';
import { syncFolder, syncTableNames } from './sync-names.ts';

const require = createRequire(import.meta.url);
const { Session } = require('chdb') as typeof import('chdb');
const { createChdbConnection } = require('chdb/connection') as typeof import('chdb/connection');

const DATABASE = 'tidemark';
/** `point`: with POINT_SETTINGS. */
type ConnectionKind = 'any' | 'point';
/**
 * What a connection keeps until its next statement: the table that this function looks into, with its parts. On a connection that rests
 * they stay on disk, and `DROP TABLE … SYNC` waits for ever, on a core (chDB 26.7; found where a rebuild dropped the old timeline).
 */
const HOLDS_ON = /\bmergeTreeIndex\(/;

export interface ChdbOptions {
  /** Folder of the engine's data; one process at a time. */
  path: string;
  /** Cap of the engine's own memory. */
  maxMemoryBytes?: number;
  /** Questions that may run side by side; the rest wait their turn. */
  connections?: number;
  threads?: number;
}

/**
 * ClickHouse inside this process, spoken to through the official client. Statements on one connection run one after
 * another, so there is a pool of them. Parameters are inlined by `literal()`: chDB runs all parameterised queries of a
 * process one at a time.
 */
export class ChdbWarehouse implements Warehouse {
  readonly #path: string;
  readonly #engine: ChdbSession;
  readonly #pool: ConnectionPool<ConnectionKind>;
  /** Table -> where its parts lie; nowhere when it is in memory. */
  readonly #tableFolders = new Map<string, readonly string[]>();
  /** Tables that somebody asked `writes` about. */
  readonly #writes = new Map<string, number>();
  readonly #askers = new Askers();

  static async open(options: ChdbOptions): Promise<ChdbWarehouse> {
    const { path, maxMemoryBytes = 1 << 30, connections = 4, threads = 2 } = options;
    const data = join(path, 'data');
    await mkdir(data, { recursive: true });
    await rm(join(path, 'tmp'), { recursive: true, force: true });
    await mkdir(join(path, 'tmp'), { recursive: true });
    const configFile = join(path, 'config.xml');
    await writeFile(configFile, chdbConfig({ maxMemoryBytes, threads }));
    const engine = new Session(data, { connectionArgs: [`--config-file=${configFile}`] });
    const pool = new ConnectionPool<ConnectionKind>(connections, (kind) => connect(data, kind));
    const warehouse = new ChdbWarehouse(path, engine, pool);
    return warehouse;
  }

  private constructor(path: string, engine: ChdbSession, pool: ConnectionPool<ConnectionKind>) {
    this.#path = path;
    this.#engine = engine;
    this.#pool = pool;
  }

  /** Folder for files that the engine reads or writes in passing; emptied at each start. */
  get temporaryFolder(): string {
    return join(this.#path, 'tmp');
  }

  query<Row>(sql: string, bounds?: StatementBounds): Promise<Answer<Row>> {
    if (bounds === undefined) return this.#query(sql);
    return this.#askers.during(() => this.#query(bounded(sql, bounds)));
  }

  #query<Row>(query: string): Promise<Answer<Row>> {
    return this.#lend(query, 'any', async ({ client }) => {
      const result = await client.query({ query, format: 'JSON' });
      const { data, statistics } = await result.json<Row>();
      return { rows: data, rowsRead: statistics?.rows_read ?? 0, elapsedMs: (statistics?.elapsed ?? 0) * 1000 };
    });
  }

  binary(sql: string, aim?: 'point'): Promise<RowBinary> {
    // One that has one thread needs none of the bounds.
    return this.#askers.during(() => (aim === 'point' ? this.#binary(sql, aim) : this.#binary(bounded(sql, {}), 'any')));
  }

  #binary(query: string, kind: ConnectionKind): Promise<RowBinary> {
    return this.#lend(query, kind, async ({ connection }) => {
      // The client reads no format that is not text, and hands out bytes as a stream: 0.2 ms more.
      const { buffer, byteOffset, byteLength } = (await connection.chdb.queryAsync(query, { format: 'RowBinary' })).bytes();
      return new RowBinary(Buffer.from(buffer, byteOffset, byteLength));
    });
  }

  async command(sql: string, bounds?: StatementBounds): Promise<void> {
    this.#noteWrites(sql);
    try {
      await (bounds === undefined ? this.#command(sql) : this.#askers.during(() => this.#command(bounded(sql, bounds))));
    } finally {
      this.#noteWrites(sql);
    }
    await this.#syncNames(sql);
  }

  async #command(query: string): Promise<void> {
    await this.#lend(query, 'any', ({ client }) => client.command({ query }));
  }

  /** Lends a connection to one statement; its errors become WarehouseErrors. */
  #lend<Result>(sql: string, kind: ConnectionKind, body: (connected: Connected) => Promise<Result>): Promise<Result> {
    return this.#pool.use(kind, async (connected) => {
      try {
        return await body(connected);
      } catch (error) {
        throw warehouseError(error);
      } finally {
        // Should it fail, the answer is none the worse; a connection whose statement failed is closed.
        if (HOLDS_ON.test(sql)) await connected.connection.chdb.queryAsync('SELECT 1').catch(() => {});
      }
    });
  }

  /** Nobody else writes: the folder is of one process at a time. */
  writes(table: string): number {
    const writes = this.#writes.get(table) ?? 0;
    if (writes === 0) this.#writes.set(table, 0);
    return writes;
  }

  unaskedMs(): number {
    return this.#askers.unaskedMs;
  }

  async *stream(sql: string, format: StreamFormat): AsyncIterable<Buffer> {
    if (format === 'Parquet') yield* this.#streamFile(sql);
    else yield* this.#streamChunks(sql, format);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    this.#engine.close();
  }

  /** A name in a text that is only inserted counts too: once too often does no harm. */
  #noteWrites(sql: string): void {
    for (const [table, writes] of this.#writes) if (sql.includes(table)) this.#writes.set(table, writes + 1);
  }

  async #syncNames(sql: string): Promise<void> {
    if (/\bENGINE = (Memory|Null)\b/.test(sql)) return;
    if (/^\s*(CREATE|ALTER|DROP|RENAME|EXCHANGE|ATTACH)\b/i.test(sql)) {
      // A name may now be another table's, which lies elsewhere.
      this.#tableFolders.clear();
      return syncTableNames(join(this.#path, 'data'));
    }
    const table = /^\s*INSERT INTO (?!FUNCTION\b)(\w+)/i.exec(sql)?.[1];
    if (table === undefined) return;
    let folders = this.#tableFolders.get(table);
    if (folders === undefined) {
      const { rows } = await this.query<{ data_paths: string[] }>(
        `SELECT data_paths FROM system.tables WHERE database = currentDatabase() AND name = ${literal(table)}`,
      );
      this.#tableFolders.set(table, (folders = rows[0]?.data_paths ?? []));
    }
    for (const folder of folders) await syncFolder(folder);
  }

  /** chDB formats each chunk as a document of its own, so all but the first lose their header line. */
  async *#streamChunks(sql: string, format: Exclude<StreamFormat, 'Parquet'>): AsyncIterable<Buffer> {
    const session = new Session(join(this.#path, 'data'));
    try {
      for (const statement of sessionStatements('any')) await session.queryAsync(statement);
      let first = true;
      for await (const chunk of session.queryStream(sql, { format })) {
        const bytes = Buffer.from(chunk.raw());
        yield first || format !== 'CSVWithNames' ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1);
        first = false;
      }
    } catch (error) {
      throw warehouseError(error);
    } finally {
      session.close();
    }
  }

  /** A Parquet file ends with its index, so it is written whole before it is sent. */
  async *#streamFile(sql: string): AsyncIterable<Buffer> {
    const file = join(this.temporaryFolder, `${randomUUID()}.parquet`);
    try {
      await this.command(`INSERT INTO FUNCTION file(${literal(file)}, 'Parquet') ${sql}`);
      for await (const chunk of createReadStream(file)) yield chunk as Buffer;
    } finally {
      await rm(file, { force: true });
    }
  }
}

/** A statement that somebody waits for. */
function bounded(sql: string, { maxMemoryBytes, timeoutMs }: StatementBounds): string {
  const settings = [`max_threads_min_free_memory_per_thread = ${FREE_BYTES_PER_THREAD}`];
  if (maxMemoryBytes !== undefined) settings.push(`max_memory_usage = ${Math.trunc(maxMemoryBytes)}`);
  if (timeoutMs !== undefined) settings.push(`max_execution_time = ${Math.trunc(timeoutMs) / 1000}`);
  return `${sql}\nSETTINGS ${settings.join(', ')}`;
}

async function connect(path: string, kind: ConnectionKind): Promise<Connected> {
  const connection = createChdbConnection({ path });
  const client = createClient({ connection } as never);
  for (const query of sessionStatements(kind)) await client.command({ query });
  return { client, connection };
}

function sessionStatements(kind: ConnectionKind): string[] {
  const settings = Object.entries({ ...SESSION_SETTINGS, ...(kind === 'point' && POINT_SETTINGS) }).map(([name, value]) => `${name} = ${value}`);
  return [`CREATE DATABASE IF NOT EXISTS ${DATABASE}`, `USE ${DATABASE}`, `SET ${settings.join(', ')}`];
}

function warehouseError(error: unknown): WarehouseError {
  if (error instanceof WarehouseError) return error;
  const message = error instanceof Error ? error.message : String(error);
  // Not by instanceof ClickHouseError: chdb throws the class of the client's CommonJS build, we import that of its ESM build.
  const { code } = error as { code?: unknown };
  const number = typeof code === 'string' && /^\d+$/.test(code) ? code : /Code: (\d+)/.exec(message)?.[1];
  return new WarehouseError(message, Number(number ?? 0));
}
