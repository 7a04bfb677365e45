import type { Kysely } from 'kysely';
import type { RateLimits } from './project-settings.ts';
import { ControlError } from './errors.ts';
import { newWriteKey } from './secrets.ts';
import { requireSource } from './sources.ts';
import { recorded } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Lets events in to one source of one project. Public by nature: it stands in the source of web pages. */
export interface WriteKey {
  key: string;
  source: string;
  limits: RateLimits;
  createdAtMs: number;
}

export interface WriteKeys {
  /** Those that are not revoked, oldest first. */
  list(project: string): Promise<WriteKey[]>;
  /** Throws `source_not_found`; and for a key given: `illegal_key`, `key_exists`. */
  create(key: {
    project: string;
    source: string;
    limits?: Partial<RateLimits>;
    key?: string | undefined;
    actor: string;
  }): Promise<WriteKey>;
  /** Throws `key_not_found`. */
  setLimits(key: { project: string; key: string; limits: Partial<RateLimits>; actor: string }): Promise<WriteKey>;
  /** For good: collectors refuse it within two seconds. Throws `key_not_found`. */
  revoke(key: { project: string; key: string; actor: string }): Promise<void>;
}

export function createWriteKeys(store: Store): WriteKeys {
  return {
    list: (project) =>
      liveKeys(store.db, project)
        .execute()
        .then((rows) => rows.map(toWriteKey)),

    async create({ project, source, limits = {}, actor, ...given }) {
      const key = given.key ?? newWriteKey(store.random);
      checkWriteKey(key);
      const change = { project, actor, action: 'key.create', subject: key, detail: { source, ...limits } };
      return recorded(store, change, async (trx, nowMs) => {
        await requireSource(trx, project, source);
        const taken = await trx.selectFrom('write_keys').select('key').where('key', '=', key).executeTakeFirst();
        if (taken)
          throw new ControlError('key_exists', 'This write key was issued before: choose another.', { field: 'key' });
        const row = { key, project, source, created_at_ms: nowMs, events_per_second: null, bytes_per_second: null };
        await trx
          .insertInto('write_keys')
          .values({ ...row, ...limitColumns(limits) })
          .execute();
        return findKey(trx, project, key);
      });
    },

    async setLimits({ project, key, limits, actor }) {
      const change = { project, actor, action: 'key.limits', subject: key, detail: { ...limits } };
      return recorded(store, change, async (trx) => {
        await findKey(trx, project, key);
        const columns = limitColumns(limits);
        if (Object.keys(columns).length > 0)
          await trx.updateTable('write_keys').set(columns).where('key', '=', key).execute();
        return findKey(trx, project, key);
      });
    },

    async revoke({ project, key, actor }) {
      return recorded(store, { project, actor, action: 'key.revoke', subject: key }, async (trx, nowMs) => {
        await findKey(trx, project, key);
        await trx.updateTable('write_keys').set({ revoked_at_ms: nowMs }).where('key', '=', key).execute();
      });
    },
  };
}

/** A collector reads a key from headers, queries and bodies, up to the first `:`. Throws `illegal_key`. */
export function checkWriteKey(key: string): void {
  if (/^[\x21-\x39\x3b-\x7e]{1,200}$/.test(key)) return;
  const detail = 'A write key has 1 to 200 visible ASCII characters without spaces and colons.';
  throw new ControlError('illegal_key', detail, { field: 'key' });
}

function liveKeys(db: Kysely<Tables>, project: string) {
  return db
    .selectFrom('write_keys')
    .innerJoin('projects', 'projects.id', 'write_keys.project')
    .selectAll('write_keys')
    .where('project', '=', project)
    .where('revoked_at_ms', 'is', null)
    .where('deleted_at_ms', 'is', null)
    .orderBy('write_keys.created_at_ms')
    .orderBy('key');
}

async function findKey(db: Kysely<Tables>, project: string, key: string): Promise<WriteKey> {
  const row = await liveKeys(db, project).where('key', '=', key).executeTakeFirst();
  if (row) return toWriteKey(row);
  throw new ControlError('key_not_found', 'This project has no such write key: list its keys.', { field: 'key' });
}

type KeyRow = {
  key: string;
  source: string;
  events_per_second: number | null;
  bytes_per_second: number | null;
  created_at_ms: number;
};

function toWriteKey(row: KeyRow): WriteKey {
  const limits = { eventsPerSecond: row.events_per_second, bytesPerSecond: row.bytes_per_second };
  return { key: row.key, source: row.source, limits, createdAtMs: row.created_at_ms };
}

/** Only the limits that are given, null among them: null lifts a limit, undefined leaves it. */
function limitColumns({ eventsPerSecond, bytesPerSecond }: Partial<RateLimits>) {
  return {
    ...(eventsPerSecond === undefined ? {} : { events_per_second: eventsPerSecond }),
    ...(bytesPerSecond === undefined ? {} : { bytes_per_second: bytesPerSecond }),
  };
}
