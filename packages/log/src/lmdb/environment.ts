import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Database, RootDatabase } from 'lmdb';
import { LogUnavailable } from '../log.ts';
import type { Topic } from '../position.ts';
import type { BatchDb } from './batches.ts';
import { CommitGate, openBetweenCommits } from './commit-gate.ts';
import { createDataFile } from './create.ts';
import { probeFolder } from './probe.ts';

// lmdb's ESM types and its CommonJS entry disagree under nodenext; the CommonJS entry is the tested one.
const { open } = createRequire(import.meta.url)('lmdb') as typeof import('lmdb');

type MetaDb = Database<string, string>;
/** [project, source] -> total; [project, source, minute] -> count. */
type ReceiptDb = Database<number, (string | number)[]>;

export interface Environment {
  root: RootDatabase;
  meta: MetaDb;
  receipts: ReceiptDb;
  batches(topic: Topic, partition: number): BatchDb;
  /** True when this process can't write the file any more, whatever becomes of the disk: another process can. */
  readonly givenUp: boolean;
  /**
   * Commits the writes that `write` makes in its turn: resolves when all of them are durable, rejects when none of them is.
   *
   * Rejects with LogUnavailable, and asks for no writes, when they could only fail. After a failed commit, and before the
   * first one, the disk is asked in another way, because a write that fails inside of LMDB is dangerous: lmdb 3.5 formats a
   * message of up to 130 bytes into 100 (mdb.c, "Attempting to write page"), and glibc ended the process in one run of eight
   * (`corrupted size vs. prev_size`).
   */
  commit(write: () => readonly Promise<unknown>[]): Promise<void>;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

/**
 * Opens the log's LMDB environment. Commits are synced before they show (`overlappingSync: false`): with the default
 * a put whose sync failed stays visible. Values are used as they are, without msgpack.
 *
 * A failed fsync leaves pages in the cache that look clean and are not on the disk, and no later fsync tells of them
 * (Rebello et al., "Can Applications Recover from fsync Failures?", USENIX ATC 2020). LMDB is safe from that: it never
 * writes over what a commit refers to, so such pages can only belong to the commit that failed, which nothing refers to,
 * and the next commit writes every page of its own. But when the page that says which commit counts could not be written,
 * LMDB refuses everything from then on (MDB_PANIC), and lmdb can't let go of the file within the process (3.5: its close
 * waits for ever for the commit that failed): that is `givenUp`.
 */
export function openEnvironment(path: string, readOnly: boolean): Environment {
  const options = { overlappingSync: false, noSubdir: false, maxDbs: 64, encoding: 'binary', eventTurnBatching: true } as const;
  if (!readOnly && !existsSync(join(path, 'data.mdb'))) createDataFile(path, (folder) => open({ ...options, path: folder }));
  const openRoot = () => open({ ...options, path, readOnly });
  const root = readOnly ? openBetweenCommits(path, openRoot) : openRoot();
  const meta = root.openDB<string, string>({ name: 'meta', encoding: 'string' });
  const opened = new Map<string, BatchDb>();
  let gate: CommitGate | undefined;
  let givenUp = false;
  let doubtful = true;
  const askDisk = async (): Promise<void> => {
    if (givenUp) throw new LogUnavailable(`LMDB has given up ${path} after a failed write; the process starts again once the disk takes writes.`);
    if (!doubtful) return;
    try {
      await probeFolder(path);
    } catch (cause) {
      throw new LogUnavailable(`The disk of ${path} takes no writes: ${(cause as Error).message}.`, { cause });
    }
    doubtful = false;
  };
  return {
    root,
    meta,
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
    get givenUp() {
      return givenUp;
    },
    async commit(write) {
      await askDisk();
      gate ??= new CommitGate(path);
      await gate.enter();
      try {
        await settleAll(write());
      } catch (error) {
        doubtful = true;
        givenUp = isGivenUp(root, meta);
        throw error;
      } finally {
        gate.leave();
      }
    },
    async close() {
      if (!givenUp) await root.close();
      gate?.close();
    },
  };
}

/** Whether LMDB refuses even to read. Any other error is for whoever reads in earnest. */
function isGivenUp(root: RootDatabase, meta: MetaDb): boolean {
  try {
    root.resetReadTxn();
    // A range would only be empty.
    meta.get('any');
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
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as Error & { commitError?: unknown }] : []));
  for (const { commitError } of failures) if (commitError instanceof Promise) commitError.catch(() => {});
  const [first] = failures;
  if (first !== undefined) throw first;
}
