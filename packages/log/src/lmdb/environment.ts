import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import type { Topic } from '../log.ts';
import { createDataFile } from './create.ts';

// lmdb's ESM types and its CommonJS entry disagree under nodenext; the CommonJS entry is the tested one.
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

export type BatchDb = Database<Buffer, number>;
export type MetaDb = Database<string, string>;
/** [project, source] -> total; [project, source, minute] -> count. */
export type ReceiptDb = Database<number, (string | number)[]>;

export interface Environment {
  /** These four are other objects after `ready`. */
  readonly root: RootDatabase;
  readonly meta: MetaDb;
  readonly receipts: ReceiptDb;
  batches(topic: Topic, partition: number): BatchDb;
  /** To be awaited before the writes of a commit: after a failed one it sees to it that the next can succeed. */
  ready(): Promise<void>;
  /** Resolves when all writes of a commit are durable, rejects when none of them is. */
  durable(writes: readonly Promise<unknown>[]): Promise<void>;
}

/**
 * Opens the log's LMDB environment. Commits are synced before they show (`overlappingSync: false`): with the default
 * a put whose sync failed stays visible. Values are used as they are, without msgpack.
 */
export function openEnvironment(path: string, readOnly: boolean): Environment {
  const options = { overlappingSync: false, noSubdir: false, maxDbs: 64, encoding: 'binary', eventTurnBatching: true } as const;
  if (!readOnly && !existsSync(join(path, 'data.mdb'))) createDataFile(path, (folder) => open({ ...options, path: folder }));
  let tables = openTables(open({ ...options, path, readOnly }));
  let failed = false;
  return {
    get root() {
      return tables.root;
    },
    get meta() {
      return tables.meta;
    },
    get receipts() {
      return tables.receipts;
    },
    batches: (topic, partition) => tables.batches(topic, partition),
    // A failed fsync leaves pages in the cache that look clean and are not on the disk, and no later fsync tells of them
    // (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). LMDB is safe from that: it never
    // writes over what a commit refers to, so all that such pages can belong to is the commit that failed, and the next
    // one writes every page of its own. But a page of LMDB's own that could not be written (the meta page, which says
    // which commit counts) makes it refuse everything (MDB_PANIC) until the file is opened anew.
    async ready() {
      if (!failed) return;
      if (isGivenUp(tables)) {
        await tables.root.close();
        tables = openTables(open({ ...options, path, readOnly }));
      }
      failed = false;
    },
    async durable(writes) {
      try {
        await settleAll(writes);
      } catch (error) {
        failed = true;
        throw error;
      }
    },
  };
}

function openTables(root: RootDatabase) {
  const opened = new Map<string, BatchDb>();
  return {
    root,
    meta: root.openDB<string, string>({ name: 'meta', encoding: 'string' }),
    receipts: root.openDB<number, (string | number)[]>({ name: 'receipts', encoding: 'msgpack' }),
    batches(topic: Topic, partition: number) {
      const name = `${topic}-${partition}`;
      let db = opened.get(name);
      if (db === undefined) {
        db = root.openDB<Buffer, number>({ name, encoding: 'binary' });
        opened.set(name, db);
      }
      return db;
    },
  };
}

/** Whether LMDB refuses even to read. Throws nothing else away: any other error is for whoever reads in earnest. */
function isGivenUp({ root, meta }: ReturnType<typeof openTables>): boolean {
  try {
    root.resetReadTxn();
    for (const _ of meta.getKeys({ limit: 1 })) break;
    return false;
  } catch (error) {
    return error instanceof Error && error.message.includes('MDB_PANIC');
  }
}

/**
 * Waits for every promise, then throws the first failure: lmdb rejects each put of a failed commit on its own, and one
 * more promise beside them (`commitError`), which would end the process when nobody hears it.
 */
async function settleAll(promises: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(promises);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as { commitError?: unknown }] : []));
  for (const { commitError } of failures) if (commitError instanceof Promise) commitError.catch(() => {});
  if (failures.length > 0) throw failures[0];
}

/** The last batch's key and value, if there is one. */
export function lastBatch(db: BatchDb): { key: number; value: Buffer } | undefined {
  for (const entry of db.getRange({ reverse: true, limit: 1 })) return entry;
  return undefined;
}
