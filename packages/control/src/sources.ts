import type { Kysely } from 'kysely';
import { ControlError } from './errors.ts';
import { checkedName, recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Where events come from: a site, an app, a backend. Its id stands on each event as `source`. */
export interface Source {
  id: string;
  name: string;
  createdAtMs: number;
}

/** Small letters, digits, `-` and `_`, so that an id is the same in a URL, a file name and a question. */
export const SOURCE_ID_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$';

export interface Sources {
  list(project: string): Promise<Source[]>;
  /** Without an id, one is made from the name. Throws `project_not_found`, `illegal_name`, `source_exists`. */
  create(source: { project: string; id?: string; name: string; actor: string }): Promise<Source>;
  /** Revokes its keys; its events stay. Throws `source_not_found`. */
  delete(source: { project: string; id: string; actor: string }): Promise<void>;
}

export function createSources(store: Store): Sources {
  return {
    list: (project) => liveSources(store.db, project).execute(),

    async create({ project, name, actor, ...given }) {
      const shown = checkedName(name);
      const id = given.id ?? slug(shown);
      if (!new RegExp(SOURCE_ID_PATTERN).test(id)) {
        const detail = 'A source id has 1 to 63 characters: small letters, digits, - and _, a letter or digit first.';
        throw new ControlError('illegal_name', detail, { field: 'id' });
      }
      return recorded(store, { project, actor, action: 'source.create', subject: id }, async (trx, nowMs) => {
        await requireProject(trx, project);
        // A deleted source's row stays for its events' sake, and lives again when its id is taken up again.
        const { numInsertedOrUpdatedRows } = await trx
          .insertInto('sources')
          .values({ project, id, name: shown, created_at_ms: nowMs })
          .onConflict((conflict) =>
            conflict
              .columns(['project', 'id'])
              .doUpdateSet({ name: shown, deleted_at_ms: null })
              .where('sources.deleted_at_ms', 'is not', null),
          )
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows === 0n) {
          throw new ControlError('source_exists', `There is a source ${id} already: choose another id.`, {
            field: 'id',
          });
        }
        return { id, name: shown, createdAtMs: nowMs };
      });
    },

    async delete({ project, id, actor }) {
      return recorded(store, { project, actor, action: 'source.delete', subject: id }, async (trx, nowMs) => {
        await requireSource(trx, project, id);
        await trx
          .updateTable('sources')
          .set({ deleted_at_ms: nowMs })
          .where('project', '=', project)
          .where('id', '=', id)
          .execute();
        await trx
          .updateTable('write_keys')
          .set({ revoked_at_ms: nowMs })
          .where('project', '=', project)
          .where('source', '=', id)
          .where('revoked_at_ms', 'is', null)
          .execute();
      });
    },
  };
}

/** Throws `source_not_found` unless the source lives. */
export async function requireSource(db: Kysely<Tables>, project: string, id: string): Promise<void> {
  const row = await liveSources(db, project).where('sources.id', '=', id).executeTakeFirst();
  if (row) return;
  throw new ControlError('source_not_found', `There is no source ${id} in this project: create it first.`, {
    field: 'source',
  });
}

function liveSources(db: Kysely<Tables>, project: string) {
  return db
    .selectFrom('sources')
    .innerJoin('projects', 'projects.id', 'sources.project')
    .select(['sources.id', 'sources.name', 'sources.created_at_ms as createdAtMs'])
    .where('project', '=', project)
    .where('sources.deleted_at_ms', 'is', null)
    .where('projects.deleted_at_ms', 'is', null)
    .orderBy('sources.created_at_ms')
    .orderBy('sources.id');
}

/** `Shop (Web)` -> `shop-web`. */
function slug(name: string): string {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .slice(0, 63)
    .replace(/^[-_]+|-+$/g, '');
  return plain === '' ? 'source' : plain;
}
