import { randomBytes } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { sql } from 'kysely';
import { createApiTokens, createAuthenticator } from './api-tokens.ts';
import { createAuditLog } from './audit.ts';
import type { Control } from './control.ts';
import { openDatabase } from './database.ts';
import { ensureFirstProject } from './first-project.ts';
import { createIdentityDecisions } from './identity-decisions.ts';
import { createJobRecords } from './jobs.ts';
import { createProjects } from './projects.ts';
import type { PurgeProject } from './projects.ts';
import { createSavedQuestions } from './saved-questions.ts';
import type { RandomBytes } from './secrets.ts';
import { seal } from './seal.ts';
import { createSettings } from './settings.ts';
import { createSources } from './sources.ts';
import { warn } from './store.ts';
import type { Store } from './store.ts';
import { createValves } from './valves.ts';
import { createWriteKeys } from './write-keys.ts';

export interface ControlOptions {
  /** Epoch milliseconds; Date.now by default. */
  clock?: () => number;
  /** Must be cryptographically strong in earnest; crypto.randomBytes by default. */
  random?: RandomBytes;
  /** Absent: deleted projects wait for a process that can purge them. */
  purge?: PurgeProject;
  /** Told of failures beside the work itself: of a purge, of noting when a token was used; must not throw. A warning by default. */
  onError?: (error: unknown) => void;
}

/**
 * Opens the control file (`<data>/control/control.db`), making and migrating it when needed. Several processes may have
 * it open; writers wait up to 5 s for each other. Throws ControlError `control_unavailable`, `control_corrupt`, `control_too_new`.
 */
export async function openControl(path: string, options: ControlOptions = {}): Promise<Control> {
  const { db, version } = openDatabase(path);
  const store: Store = {
    db,
    version,
    clock: options.clock ?? Date.now,
    random: options.random ?? randomBytes,
    onError: options.onError ?? warn,
  };
  let closed: Promise<void> | undefined;
  return {
    projects: createProjects(store, options.purge),
    settings: createSettings(store),
    sources: createSources(store),
    keys: createWriteKeys(store),
    tokens: createApiTokens(store),
    questions: createSavedQuestions(store),
    valves: createValves(store),
    identities: createIdentityDecisions(store),
    jobs: createJobRecords(store),
    audit: createAuditLog(store),
    ensureFirstProject: (presets) => ensureFirstProject(store, presets),
    authenticateToken: createAuthenticator(store),
    async copyTo(target) {
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await sql`VACUUM INTO ${target}`.execute(db);
      await chmod(target, 0o600);
    },
    close: () => (closed ??= close(store, path)),
  };
}

async function close({ db, onError }: Store, path: string): Promise<void> {
  // libsql's close leaves the work to the garbage collector while statements live: without this, a copy of
  // control.db made after a stop would lack what is still in the -wal file. A reader in the way is no error.
  await sql`PRAGMA wal_checkpoint(TRUNCATE)`.execute(db).catch(onError);
  await db.destroy();
  seal(path);
}
