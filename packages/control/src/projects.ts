import { createApiTokens, requireAdminToken } from './api-tokens.ts';
import type { ApiToken } from './api-tokens.ts';
import { newId } from './secrets.ts';
import { createSources } from './sources.ts';
import type { Source } from './sources.ts';
import { checkedName, recorded, requireProject, together } from './store.ts';
import type { Store } from './store.ts';
import { createWriteKeys } from './write-keys.ts';
import type { WriteKey } from './write-keys.ts';

/** A body of events with its own keys, tokens, settings and people; nothing is shared between two. */
export interface Project {
  id: string;
  name: string;
  createdAtMs: number;
}

/** A new project comes with what is needed to send to it and to ask it. */
export interface NewProject {
  project: Project;
  source: Source;
  key: WriteKey;
  token: ApiToken & { secret: string };
}

/** What a new project's first source, key and token are to be; what is absent is chosen. */
export interface NewProjectOptions {
  name: string;
  actor: string;
  admin?: boolean;
  key?: string | undefined;
  secret?: string | undefined;
}

export interface Projects {
  /** Live ones, oldest first. */
  list(): Promise<Project[]>;
  /** The live project of that id, or undefined. */
  find(id: string): Promise<Project | undefined>;
  create(options: NewProjectOptions): Promise<NewProject>;
  /** Throws `project_not_found`, `illegal_name`. */
  rename(project: { id: string; name: string; actor: string }): Promise<Project>;
  /**
   * From now on its keys and tokens open nothing; then `purge` (of openControl) removes its events, again and again at
   * each `purgeDeleted` until that has succeeded once. Throws `project_not_found`, `last_admin_token`.
   */
  delete(project: { id: string; actor: string }): Promise<void>;
  /** Purges all deleted projects that still wait for it, one after another. Call it at start. Failures go to onError. */
  purgeDeleted(): Promise<void>;
  /**
   * `cameBack` is asked which of the projects that were purged the stores hold something of once more (rows put back
   * from a log or a file that still had them): those wait for their purge again, as after their deletion.
   */
  purgeAgain(cameBack: (projects: readonly string[]) => Promise<readonly string[]>): Promise<void>;
}

/** Removes everything the stores hold of a project. Collectors may still let events in for two seconds. */
export type PurgeProject = (project: string) => Promise<void>;

export function createProjects(store: Store, purge: PurgeProject | undefined): Projects {
  let purging: Promise<void> = Promise.resolve();
  const purgeDeleted = (): Promise<void> => (purging = purging.then(() => purgeWaiting(store, purge)));

  return {
    list: () => liveProjects(store).execute(),
    find: (id) => liveProjects(store).where('id', '=', id).executeTakeFirst(),
    create: (options) => together(store, (inside) => createProject(inside, options)),

    async rename({ id, name, actor }) {
      const shown = checkedName(name);
      const change = { project: id, actor, action: 'project.rename', subject: id, detail: { name: shown } };
      return recorded(store, change, async (trx) => {
        await requireProject(trx, id);
        await trx.updateTable('projects').set({ name: shown }).where('id', '=', id).execute();
        return liveProjects({ db: trx }).where('id', '=', id).executeTakeFirstOrThrow();
      });
    },

    async delete({ id, actor }) {
      await recorded(store, { project: id, actor, action: 'project.delete', subject: id }, async (trx, nowMs) => {
        await requireProject(trx, id);
        await trx.updateTable('projects').set({ deleted_at_ms: nowMs }).where('id', '=', id).execute();
        await requireAdminToken(trx);
      });
      void purgeDeleted();
    },

    purgeDeleted,

    async purgeAgain(cameBack) {
      const purged = await store.db.selectFrom('projects').select('id').where('purged_at_ms', 'is not', null).execute();
      const again = purged.length === 0 ? [] : await cameBack(purged.map(({ id }) => id));
      if (again.length === 0) return;
      await store.db.updateTable('projects').set({ purged_at_ms: null }).where('id', 'in', [...again]).execute();
      await purgeDeleted();
    },
  };
}

async function createProject(
  store: Store,
  { name, actor, admin, key, secret }: NewProjectOptions,
): Promise<NewProject> {
  const id = newId('p', store.random);
  const shown = checkedName(name);
  const change = { project: id, actor, action: 'project.create', subject: id, detail: { name: shown } };
  const project = await recorded(store, change, async (trx, createdAtMs) => {
    await trx.insertInto('projects').values({ id, name: shown, created_at_ms: createdAtMs }).execute();
    await trx.insertInto('settings').values({ project: id }).execute();
    return { id, name: shown, createdAtMs };
  });
  const source = await createSources(store).create({ project: id, id: 'default', name: 'Default', actor });
  return {
    project,
    source,
    key: await createWriteKeys(store).create({ project: id, source: source.id, actor, key }),
    token: await createApiTokens(store).create({
      project: id,
      name: 'First token',
      admin: admin ?? false,
      actor,
      secret,
    }),
  };
}

async function purgeWaiting({ db, clock, onError }: Store, purge: PurgeProject | undefined): Promise<void> {
  if (!purge) return;
  const waiting = await db
    .selectFrom('projects')
    .select('id')
    .where('deleted_at_ms', 'is not', null)
    .where('purged_at_ms', 'is', null)
    .execute();
  for (const { id } of waiting) {
    try {
      await purge(id);
      await db.updateTable('projects').set({ purged_at_ms: clock() }).where('id', '=', id).execute();
    } catch (error) {
      onError(error);
    }
  }
}

function liveProjects({ db }: Pick<Store, 'db'>) {
  return db
    .selectFrom('projects')
    .select(['id', 'name', 'created_at_ms as createdAtMs'])
    .where('deleted_at_ms', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('id');
}
