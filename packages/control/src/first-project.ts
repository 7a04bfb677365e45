import { checkApiToken, createApiTokens } from './api-tokens.ts';
import { createProjects } from './projects.ts';
import { hashToken } from './secrets.ts';
import { createSources } from './sources.ts';
import { together } from './store.ts';
import type { Store } from './store.ts';
import { checkWriteKey, createWriteKeys } from './write-keys.ts';

/** Secrets that the operator has chosen (TIDEMARK_WRITE_KEY, TIDEMARK_API_TOKEN). '' counts as absent. */
export interface FirstProjectPresets {
  writeKey?: string | undefined;
  apiToken?: string | undefined;
}

export interface FirstProject {
  project: string;
  /** A live key of the project: the preset one if it is live there, else its oldest; undefined when all are revoked. */
  writeKey: string | undefined;
  /** The token itself when it was made or preset; undefined on later starts without a preset: only its hash is kept. */
  apiToken: string | undefined;
  /** True on the first start only. */
  created: boolean;
  /** Sentences for the operator: a preset that could not be honoured. */
  warnings: string[];
}

/**
 * The first project is the oldest that lives. A preset that the file doesn't know is added to it, so that changing the
 * environment and starting again is enough. One that was revoked stays revoked: a leaked key must not come back
 * because a deployment still names it.
 */
export async function ensureFirstProject(store: Store, presets: FirstProjectPresets = {}): Promise<FirstProject> {
  const writeKey = presets.writeKey || undefined;
  const apiToken = presets.apiToken || undefined;
  if (writeKey !== undefined) checkWriteKey(writeKey);
  if (apiToken !== undefined) checkApiToken(apiToken);

  return together(store, async (inside) => {
    const [oldest] = await createProjects(inside, undefined).list();
    const key = await presetKey(inside, oldest?.id, writeKey);
    const token = await presetToken(inside, oldest?.id, apiToken);
    const warnings = [key, token].flatMap((preset) => preset.warning ?? []);
    if (!oldest) {
      const made = await createProjects(inside, undefined).create({
        name: 'My project',
        actor: 'start',
        admin: true,
        key: key.add,
        secret: token.add,
      });
      return { project: made.project.id, writeKey: made.key.key, apiToken: made.token.secret, created: true, warnings };
    }

    const project = oldest.id;
    if (key.add !== undefined) {
      const source = await someSource(inside, project);
      await createWriteKeys(inside).create({ project, source, key: key.add, actor: 'start' });
    }
    if (token.add !== undefined) {
      await createApiTokens(inside).create({ project, name: 'Preset', admin: true, secret: token.add, actor: 'start' });
    }
    const live = await createWriteKeys(inside).list(project);
    const shown = live.find((each) => each.key === writeKey) ?? live[0];
    const secret = token.warning === undefined ? apiToken : undefined;
    return { project, writeKey: shown?.key, apiToken: secret, created: false, warnings };
  });
}

/** `add`: the file has never seen it. Neither: it is live in the first project already. */
type Preset = { add?: string | undefined; warning?: string };

async function presetKey({ db }: Store, project: string | undefined, key: string | undefined): Promise<Preset> {
  if (key === undefined) return {};
  const known = await db
    .selectFrom('write_keys')
    .innerJoin('projects', 'projects.id', 'write_keys.project')
    .select(['project', 'revoked_at_ms', 'deleted_at_ms'])
    .where('key', '=', key)
    .executeTakeFirst();
  return judge('TIDEMARK_WRITE_KEY', 'a write key', key, known, project);
}

async function presetToken({ db }: Store, project: string | undefined, token: string | undefined): Promise<Preset> {
  if (token === undefined) return {};
  const known = await db
    .selectFrom('api_tokens')
    .innerJoin('projects', 'projects.id', 'api_tokens.project')
    .select(['project', 'revoked_at_ms', 'deleted_at_ms'])
    .where('hash', '=', hashToken(token))
    .executeTakeFirst();
  return judge('TIDEMARK_API_TOKEN', 'an API token', token, known, project);
}

type Known = { project: string; revoked_at_ms: number | null; deleted_at_ms: number | null };

function judge(
  name: string,
  noun: string,
  value: string,
  known: Known | undefined,
  project: string | undefined,
): Preset {
  if (!known) return { add: value };
  if (known.deleted_at_ms !== null) return { warning: `${name} names ${noun} of a deleted project: set another.` };
  if (known.revoked_at_ms !== null) return { warning: `${name} names ${noun} that was revoked: set another.` };
  if (known.project !== project)
    return { warning: `${name} names ${noun} of project ${known.project}, and stays there.` };
  return {};
}

/** Id of the project's oldest source; all may have been deleted. */
async function someSource(store: Store, project: string): Promise<string> {
  const sources = createSources(store);
  const [oldest] = await sources.list(project);
  return (oldest ?? (await sources.create({ project, id: 'default', name: 'Default', actor: 'start' }))).id;
}
