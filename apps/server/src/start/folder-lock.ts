/**
 * One process of each role per data folder, held by the operating system: the lock is an exclusive transaction on an
 * empty SQLite file, that is an fcntl lock, so it ends with its process however that dies, and a stale one can't be.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import Libsql from 'libsql';
import { StartProblem, stoppedWhileStarting } from '../start-problem.ts';

/** `backup` is held by the command that makes one. */
export type Role = 'supervisor' | 'collector' | 'engine' | 'backup';

export interface FolderLock {
  release(): void;
}

export interface LockWaiting {
  /** Called once, if there is something to wait for. */
  onWait?: (holderPid: string) => void;
  /** Ends the waiting with a StartProblem `stopped`. */
  signal?: AbortSignal | undefined;
}

const RETRY_MS = 100;

/**
 * Waits up to `waitMs` for the role's lock.
 * @throws StartProblem `data_in_use` when it is still held then
 */
export async function lockFolder(
  dataPath: string,
  role: Role,
  waitMs: number,
  { onWait, signal }: LockWaiting = {},
): Promise<FolderLock> {
  const folder = join(dataPath, 'run');
  mkdirSync(folder, { recursive: true });
  const deadline = performance.now() + waitMs;
  for (let told = false; ; told = true) {
    const lock = tryLock(folder, role);
    if (lock) return lock;
    const holder = holderOf(folder, role);
    if (performance.now() >= deadline) {
      throw new StartProblem(
        'data_in_use',
        `Another Tidemark (process ${holder}) is using the data folder ${dataPath}.`,
        'stop that one, or give this one a folder of its own with --data.',
      );
    }
    if (!told) onWait?.(holder);
    if (signal?.aborted) throw stoppedWhileStarting();
    await delay(RETRY_MS);
  }
}

function tryLock(folder: string, role: Role): FolderLock | undefined {
  const path = join(folder, `${role}.lock`);
  closeSync(openSync(path, 'a', 0o600));
  const db = new Libsql(path, { timeout: 0 });
  try {
    db.exec('PRAGMA journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (error instanceof Error && error.message.includes('locked')) return undefined;
    // The file is empty for as long as it lives: what stands in it is damage, and there is nothing to lose.
    if (error instanceof Libsql.SqliteError && error.code === 'SQLITE_NOTADB') {
      truncateSync(path);
      return undefined;
    }
    throw error;
  }
  writeFileSync(join(folder, `${role}.pid`), String(process.pid));
  return {
    release() {
      if (db.open) db.close();
    },
  };
}

/** For the message only: the file may be a moment out of date. */
function holderOf(folder: string, role: Role): string {
  const path = join(folder, `${role}.pid`);
  return existsSync(path) ? readFileSync(path, 'utf8') : 'unknown';
}
