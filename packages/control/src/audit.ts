import { recorded } from './store.ts';
import type { Store } from './store.ts';

export interface AuditEntry {
  /** Grows by one; the cursor of `list`. */
  id: number;
  atMs: number;
  actor: string;
  action: string;
  subject: string;
  detail: Record<string, unknown>;
}

export interface AuditLog {
  /** Notes what was done with the whole system, such as a backup, and is kept nowhere else. */
  note(entry: { project: string; actor: string; action: string; subject: string; detail?: Record<string, unknown> }): Promise<void>;
  /** Id of the newest entry: it grows with everything that somebody changes about a project. 0 before the first. */
  last(project: string): Promise<number>;
  /** Newest first, from below `before` (an entry's id) when given; `limit` defaults to 100. */
  list(project: string, page?: { limit?: number; before?: number }): Promise<AuditEntry[]>;
}

export function createAuditLog(store: Store): AuditLog {
  const { db } = store;
  return {
    note: (entry) => recorded(store, entry, async () => {}),

    async last(project) {
      const { last } = await db.selectFrom('audit').select((is) => is.fn.max('id').as('last')).where('project', '=', project).executeTakeFirstOrThrow();
      return (last as number | null) ?? 0;
    },

    async list(project, { limit = 100, before = Number.MAX_SAFE_INTEGER } = {}) {
      const rows = await db
        .selectFrom('audit')
        .select(['id', 'at_ms as atMs', 'actor', 'action', 'subject', 'detail'])
        .where('project', '=', project)
        .where('id', '<', before)
        .orderBy('id', 'desc')
        .limit(limit)
        .execute();
      return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }));
    },
  };
}
