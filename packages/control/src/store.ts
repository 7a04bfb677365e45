import type { Kysely } from 'kysely';
import { ControlError } from './errors.ts';
import type { RandomBytes } from './secrets.ts';
import type { Tables } from './tables.ts';

/** What each part of the store works with. */
export interface Store {
  db: Kysely<Tables>;
  /** Another text whenever something may have been written since. */
  version: () => string;
  /** Epoch milliseconds. */
  clock: () => number;
  random: RandomBytes;
  /** Told of what fails beside the work itself, such as noting when a token was last used. */
  onError: (error: unknown) => void;
}

/** Runs several changes as one: all or none. Inside another `together` they belong to that one. */
export function together<T>(store: Store, make: (store: Store) => Promise<T>): Promise<T> {
  return store.db.isTransaction ? make(store) : store.db.transaction().execute((trx) => make({ ...store, db: trx }));
}

/** One line of the audit log, but for its time. `detail` never holds a secret. */
export interface Change {
  project: string;
  actor: string;
  /** `project.create`, `key.revoke`, … */
  action: string;
  /** Id of the thing changed. */
  subject: string;
  detail?: Record<string, unknown>;
}

/** Makes a change and its line in the audit log together or not at all. `nowMs` is the time of both. */
export function recorded<T>(
  store: Store,
  change: Change,
  make: (trx: Kysely<Tables>, nowMs: number) => Promise<T>,
): Promise<T> {
  return together(store, async ({ db: trx }) => {
    const nowMs = store.clock();
    const result = await make(trx, nowMs);
    await trx
      .insertInto('audit')
      .values({
        at_ms: nowMs,
        project: change.project,
        actor: change.actor,
        action: change.action,
        subject: change.subject,
        detail: JSON.stringify(change.detail ?? {}),
      })
      .execute();
    return result;
  });
}

/** Throws `project_not_found` unless the project lives. */
export async function requireProject(db: Kysely<Tables>, id: string): Promise<void> {
  const row = await db
    .selectFrom('projects')
    .select('id')
    .where('id', '=', id)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst();
  if (!row)
    throw new ControlError('project_not_found', `There is no project ${id}: list the projects.`, { field: 'project' });
}

/** A name as shown to people: trimmed, 1 to 100 characters. Throws `illegal_name`. */
export function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed.length >= 1 && trimmed.length <= 100) return trimmed;
  throw new ControlError('illegal_name', 'A name has 1 to 100 characters.', { field: 'name' });
}

/** Where failures beside the work go when the caller named no place: Node prints a warning. */
export function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error));
}
