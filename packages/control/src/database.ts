/** Opens the control file: one SQLite database in WAL mode, written by the engine, read by the collector beside it. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { CompiledQuery, Kysely, SqliteDialect, SqliteDriver } from 'kysely';
import type { DatabaseConnection, Driver, QueryResult, SqliteDatabase } from 'kysely';
import Libsql from 'libsql';
import { ControlError } from './errors.ts';
import { migrations } from './migrations/index.ts';
import { sealIsBroken } from './seal.ts';
import type { Tables } from './tables.ts';
import { walIsDamaged } from './wal-check.ts';

/** How long a statement waits for another process's write before it fails with SQLITE_BUSY. */
const BUSY_TIMEOUT_MS = 5_000;

export interface OpenDatabase {
  db: Kysely<Tables>;
  /** Another text whenever the file may hold something else than before, whoever wrote it; 4 us. */
  version: () => string;
}

/** Opens and migrates the file, making it and its folder (readable by their owner only) when absent. */
export function openDatabase(path: string): OpenDatabase {
  // Before SQLite looks at them: it would go on with what it can make of a broken log.
  if (isBrokenForGood(path)) throw damaged(path, 'its bytes are not those that were written');
  const db = connectForWriting(path);
  try {
    checkWhole(db, path);
    migrate(db, path);
  } catch (error) {
    db.close();
    throw error;
  }
  return { db: new Kysely<Tables>({ dialect: new LibsqlDialect({ database: db as unknown as SqliteDatabase }) }), version: versionOf(db) };
}

const LOOKS = 6;
const BETWEEN_LOOKS_MS = 50;

/** Another process may write between two reads of the file, which then do not fit each other. What is damaged stays so. */
function isBrokenForGood(path: string): boolean {
  for (let look = 0; look < LOOKS; look++) {
    if (look > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BETWEEN_LOOKS_MS);
    if (!sealIsBroken(path) && !walIsDamaged(`${path}-wal`)) return false;
  }
  return true;
}

/** What other connections have committed, and rows that this one has changed, also in a transaction that goes on or was taken back. */
function versionOf(db: Libsql.Database): () => string {
  const [others, own] = [db.prepare('PRAGMA data_version'), db.prepare('SELECT total_changes() AS changes')];
  return () => `${(others.get() as { data_version: number }).data_version} ${(own.get() as { changes: number }).changes}`;
}

/** A connection that can only read. Throws ControlError `control_unavailable` when there is no such file. */
export function connectForReading(path: string): Libsql.Database {
  return connect(path, (db) => db.exec('PRAGMA query_only = ON'), 'r');
}

function connectForWriting(path: string): Libsql.Database {
  // FULL syncs the WAL at each commit: an acknowledged key or token survives a power cut.
  const settings = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON';
  return connect(path, (db) => db.exec(settings), 'a');
}

function connect(path: string, prepare: (db: Libsql.Database) => void, flags: 'r' | 'a'): Libsql.Database {
  try {
    if (flags === 'a') mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would make the file with the umask's mode; the -wal and -shm files take theirs from it.
    closeSync(openSync(path, flags, 0o600));
    const db = new Libsql(path, { timeout: BUSY_TIMEOUT_MS });
    prepare(db);
    return db;
  } catch (cause) {
    if (isDamage(cause)) throw damaged(path, cause);
    const detail = `Cannot open the control file ${path}: check that its folder exists and can be written.`;
    throw new ControlError('control_unavailable', detail, { cause });
  }
}

function checkWhole(db: Libsql.Database, path: string): void {
  let verdict: unknown;
  try {
    const [first] = db.pragma('quick_check(1)') as [{ quick_check: string }];
    if (first.quick_check === 'ok') return;
    verdict = first.quick_check;
  } catch (error) {
    if (!isDamage(error)) throw error;
    verdict = error;
  }
  throw damaged(path, verdict);
}

function isDamage(error: unknown): boolean {
  return error instanceof Libsql.SqliteError && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

function damaged(path: string, cause: unknown): ControlError {
  return new ControlError('control_corrupt', `The control file ${path} is damaged: restore it from a copy.`, { cause });
}

/** All in one transaction that waits for its turn, so that two processes starting at once don't meet half a schema. */
function migrate(db: Libsql.Database, path: string): void {
  db.transaction(() => {
    const applied = schemaVersion(db);
    if (applied > migrations.length) {
      const detail = `The control file ${path} was written by a newer Tidemark (schema ${applied}): run that one.`;
      throw new ControlError('control_too_new', detail);
    }
    for (const sql of migrations.slice(applied)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
  }).immediate();
}

/** Number of migrations the file has seen; 0 for a new one. */
export function schemaVersion(db: Libsql.Database): number {
  const [row] = db.pragma('user_version') as [{ user_version: number }];
  return row.user_version;
}

/**
 * libsql speaks better-sqlite3's interface, so kysely's own dialect serves, but for one thing: a plain `begin` that
 * reads first and writes later fails with SQLITE_BUSY_SNAPSHOT when another process wrote in between. Ours waits.
 */
class LibsqlDialect extends SqliteDialect {
  readonly #database: SqliteDatabase;

  constructor(config: { database: SqliteDatabase }) {
    super(config);
    this.#database = config.database;
  }

  override createDriver(): Driver {
    return new ImmediateDriver({ database: this.#database });
  }
}

class ImmediateDriver extends SqliteDriver {
  #connection: DatabaseConnection | undefined;

  override async acquireConnection(): Promise<DatabaseConnection> {
    const connection = await super.acquireConnection();
    return (this.#connection ??= new Connection(connection));
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw('begin immediate'));
  }
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      // SQLite has taken back by itself what a full disk stopped.
      if (!(error instanceof Error && error.message.includes('no transaction is active'))) throw error;
    }
  }
}

/** Says in our words when the disk takes no writes. */
class Connection implements DatabaseConnection {
  readonly #sqlite: DatabaseConnection;

  constructor(sqlite: DatabaseConnection) {
    this.#sqlite = sqlite;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    try {
      return await this.#sqlite.executeQuery<Row>(query);
    } catch (cause) {
      if (!(cause instanceof Libsql.SqliteError) || !/^SQLITE_(FULL|IOERR|READONLY|BUSY|CANTOPEN)/.test(cause.code)) throw cause;
      const detail = `The control file could not be read or written (${cause.message}), and nothing was changed: free disk space or check the disk, then try again.`;
      throw new ControlError('control_unavailable', detail, { cause });
    }
  }

  streamQuery<Row>(query: CompiledQuery, chunkSize: number): AsyncIterableIterator<QueryResult<Row>> {
    return this.#sqlite.streamQuery<Row>(query, chunkSize);
  }
}
