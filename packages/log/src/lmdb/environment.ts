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
  root: RootDatabase;
  meta: MetaDb;
  receipts: ReceiptDb;
  batches(topic: Topic, partition: number): BatchDb;
}

/**
 * Opens the log's LMDB environment. Commits are synced before they show (`overlappingSync: false`): with the default
 * a put whose sync failed stays visible. Values are used as they are, without msgpack.
 */
export function openEnvironment(path: string, readOnly: boolean): Environment {
  const options = { overlappingSync: false, noSubdir: false, maxDbs: 64, encoding: 'binary', eventTurnBatching: true } as const;
  if (!readOnly && !existsSync(join(path, 'data.mdb'))) createDataFile(path, (folder) => open({ ...options, path: folder }));
  const root = open({ ...options, path, readOnly });
  const opened = new Map<string, BatchDb>();
  return {
    root,
    meta: root.openDB<string, string>({ name: 'meta', encoding: 'string' }),
    receipts: root.openDB<number, (string | number)[]>({ name: 'receipts', encoding: 'msgpack' }),
    batches(topic, partition) {
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

/** The last batch's key and value, if there is one. */
export function lastBatch(db: BatchDb): { key: number; value: Buffer } | undefined {
  for (const entry of db.getRange({ reverse: true, limit: 1 })) return entry;
  return undefined;
}
