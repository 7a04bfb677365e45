import { timingSafeEqual } from 'node:crypto';
import type { Kysely, Selectable } from 'kysely';
import { ControlError } from './errors.ts';
import { hashToken, newApiToken, newId, tokenPrefix } from './secrets.ts';
import { checkedName, recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** An API token as it may be shown: the token itself is known only to who made it. */
export interface ApiToken {
  id: string;
  name: string;
  /** Its first characters, to tell tokens apart by. */
  prefix: string;
  admin: boolean;
  createdAtMs: number;
  /** To the minute; null = never. */
  lastUsedAtMs: number | null;
}

/** What a token lets its bearer do. */
export interface ApiTokenGrant {
  project: string;
  tokenId: string;
  /** May also make projects, list and delete them. It still reads the data of its own project only. */
  admin: boolean;
}

export interface ApiTokens {
  /** Those that are not revoked, oldest first. */
  list(project: string): Promise<ApiToken[]>;
  /** `secret` is shown this once. Throws `project_not_found`, `illegal_name`; for a secret given: `illegal_token`, `token_exists`. */
  create(token: {
    project: string;
    name: string;
    admin?: boolean;
    secret?: string | undefined;
    actor: string;
  }): Promise<ApiToken & { secret: string }>;
  /** Throws `token_not_found`, and `last_token` or `last_admin_token` for one without which nobody gets in again. */
  revoke(token: { project: string; id: string; actor: string }): Promise<void>;
}

export function createApiTokens(store: Store): ApiTokens {
  return {
    async list(project) {
      return (await liveTokens(store.db).where('api_tokens.project', '=', project).execute()).map(toApiToken);
    },

    async create({ project, name, admin = false, actor, ...given }) {
      const shown = checkedName(name);
      const secret = given.secret ?? newApiToken(store.random);
      checkApiToken(secret);
      const id = newId('t', store.random);
      const change = { project, actor, action: 'token.create', subject: id, detail: { name: shown, admin } };
      return recorded(store, change, async (trx, nowMs) => {
        await requireProject(trx, project);
        const hash = hashToken(secret);
        const taken = await trx.selectFrom('api_tokens').select('id').where('hash', '=', hash).executeTakeFirst();
        if (taken)
          throw new ControlError('token_exists', 'This API token was issued before: choose another.', {
            field: 'secret',
          });
        const row = {
          id,
          project,
          name: shown,
          hash,
          prefix: tokenPrefix(secret),
          admin: admin ? 1 : 0,
          created_at_ms: nowMs,
        };
        await trx.insertInto('api_tokens').values(row).execute();
        return { ...toApiToken({ ...row, last_used_at_ms: null }), secret };
      });
    },

    async revoke({ project, id, actor }) {
      return recorded(store, { project, actor, action: 'token.revoke', subject: id }, async (trx, nowMs) => {
        const revoked = await trx
          .updateTable('api_tokens')
          .set({ revoked_at_ms: nowMs })
          .where('project', '=', project)
          .where('id', '=', id)
          .where('revoked_at_ms', 'is', null)
          .executeTakeFirstOrThrow();
        if (revoked.numUpdatedRows === 0n) {
          throw new ControlError('token_not_found', 'This project has no such API token: list its tokens.', {
            field: 'token',
          });
        }
        const left = await liveTokens(trx).where('api_tokens.project', '=', project).limit(1).execute();
        if (left.length === 0) {
          throw new ControlError('last_token', 'This is the last API token of its project: create another one first.');
        }
        await requireAdminToken(trx);
      });
    },
  };
}

/**
 * Looks a token up by its hash, so the time taken says nothing of how much of a guess was right; the comparison of the
 * hashes is constant-time all the same, lest an index ever matches by less than the whole.
 */
export function createAuthenticator(store: Store): (token: string) => Promise<ApiTokenGrant | undefined> {
  // Every request asks it: 170 us of CPU when it is composed each time, 60 so.
  const byHash = liveTokens(store.db).where('hash', '=', Buffer.alloc(0)).compile();
  // Live tokens that were looked up since the file was last written to, by their hash in hexadecimal.
  const known = { version: '', rows: new Map<string, Selectable<Tables['api_tokens']>>() };
  return async (token) => {
    const hash = hashToken(token);
    const name = hash.toString('hex');
    // Before the row is read: what is written meanwhile shows as another version next time.
    const version = store.version();
    let row = known.version === version ? known.rows.get(name) : undefined;
    if (row === undefined) {
      const { rows } = await store.db.executeQuery<Selectable<Tables['api_tokens']>>({ ...byHash, parameters: [hash] });
      row = rows[0];
      if (!row || !timingSafeEqual(row.hash, hash)) return undefined;
      if (known.version !== version) known.rows.clear();
      known.version = version;
      known.rows.set(name, row);
    }
    await noteUse(store, row);
    return { project: row.project, tokenId: row.id, admin: row.admin === 1 };
  };
}

/** Written at most once a minute a token: a write is a sync, and questions should not wait for one each. */
const NOTE_USE_EVERY_MS = 60_000;

async function noteUse(
  { db, clock, onError }: Store,
  token: { id: string; last_used_at_ms: number | null },
): Promise<void> {
  const nowMs = clock();
  if (token.last_used_at_ms !== null && nowMs - token.last_used_at_ms < NOTE_USE_EVERY_MS) return;
  const update = db.updateTable('api_tokens').set({ last_used_at_ms: nowMs }).where('id', '=', token.id);
  // A full disk must not keep people from asking questions.
  await update.execute().catch(onError);
}

/** Throws `last_admin_token` when no live project has a live admin token (any more). */
export async function requireAdminToken(db: Kysely<Tables>): Promise<void> {
  const admin = await liveTokens(db).where('admin', '=', 1).limit(1).execute();
  if (admin.length > 0) return;
  throw new ControlError(
    'last_admin_token',
    'No admin token would be left: create another one in another project first.',
  );
}

/** Throws `illegal_token`: it must fit an Authorization header. */
export function checkApiToken(token: string): void {
  if (/^[\x21-\x7e]{1,200}$/.test(token)) return;
  throw new ControlError('illegal_token', 'An API token has 1 to 200 visible ASCII characters without spaces.', {
    field: 'secret',
  });
}

function liveTokens(db: Kysely<Tables>) {
  return db
    .selectFrom('api_tokens')
    .innerJoin('projects', 'projects.id', 'api_tokens.project')
    .selectAll('api_tokens')
    .where('revoked_at_ms', 'is', null)
    .where('deleted_at_ms', 'is', null)
    .orderBy('api_tokens.created_at_ms')
    .orderBy('api_tokens.id');
}

type TokenRow = {
  id: string;
  name: string;
  prefix: string;
  admin: number;
  created_at_ms: number;
  last_used_at_ms: number | null;
};

function toApiToken(row: TokenRow): ApiToken {
  const { id, name, prefix } = row;
  return {
    id,
    name,
    prefix,
    admin: row.admin === 1,
    createdAtMs: row.created_at_ms,
    lastUsedAtMs: row.last_used_at_ms,
  };
}
