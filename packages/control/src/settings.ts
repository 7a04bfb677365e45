import type { Kysely } from 'kysely';
import type { ChannelRule, ProjectSettings } from './project-settings.ts';
import { ControlError } from './errors.ts';
import { recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

export interface Settings {
  /** Throws `project_not_found`. */
  get(project: string): Promise<ProjectSettings>;
  /** Changes those that are given and answers all. Throws `project_not_found`. */
  set(change: { project: string; settings: Partial<ProjectSettings>; actor: string }): Promise<ProjectSettings>;
  /** Of `rollups`, the properties; none of a project that there isn't (any more). */
  rollupProperties(project: string): Promise<string[]>;
  /** None of a project that there isn't (any more). */
  channelRules(project: string): Promise<ChannelRule[]>;
}

export function createSettings(store: Store): Settings {
  return {
    get: (project) => read(store.db, project),

    async set({ project, settings, actor }) {
      const change = { project, actor, action: 'settings.set', subject: project, detail: { ...settings } };
      return recorded(store, change, async (trx) => {
        await requireProject(trx, project);
        const { retentionDays, quarantineDays, rollups, channels, consentCategory, ...rest } = settings;
        const columns = {
          ...rest,
          ...(retentionDays === undefined ? {} : { retention_days: retentionDays }),
          ...(quarantineDays === undefined ? {} : { quarantine_days: quarantineDays }),
          ...(consentCategory === undefined ? {} : { consent_category: consentCategory }),
          ...(rollups === undefined ? {} : { rollup_properties: JSON.stringify(rollups.properties) }),
          ...(channels === undefined ? {} : { channel_rules: JSON.stringify(channels) }),
        };
        if (Object.keys(columns).length > 0)
          await trx.updateTable('settings').set(columns).where('project', '=', project).execute();
        await dropConfirmations(trx, project, { retentionDays, quarantineDays });
        return read(trx, project);
      });
    },

    async rollupProperties(project) {
      const row = await store.db.selectFrom('settings').select('rollup_properties').where('project', '=', project).executeTakeFirst();
      return row === undefined ? [] : (JSON.parse(row.rollup_properties) as string[]);
    },

    async channelRules(project) {
      const row = await store.db.selectFrom('settings').select('channel_rules').where('project', '=', project).executeTakeFirst();
      return row === undefined ? [] : (JSON.parse(row.channel_rules) as ChannelRule[]);
    },
  };
}

/** A deletion was confirmed for the value that stood: who sets another, or the same again later, is asked again. */
async function dropConfirmations(db: Kysely<Tables>, project: string, changed: Record<string, number | null | undefined>): Promise<void> {
  for (const [name, value] of Object.entries(changed)) {
    if (value === undefined) continue;
    const others = db.deleteFrom('job_confirmations').where('project', '=', project).where('setting', 'like', `${name}=%`);
    await others.where('setting', '!=', `${name}=${value}`).execute();
  }
}

async function read(db: Kysely<Tables>, project: string): Promise<ProjectSettings> {
  const row = await db
    .selectFrom('settings')
    .innerJoin('projects', 'projects.id', 'settings.project')
    .select(['bots', 'ip', 'retention_days as retentionDays', 'consent_category as consentCategory', 'quarantine_days as quarantineDays', 'rollup_properties as rollupProperties', 'channel_rules as channelRules'])
    .where('project', '=', project)
    .where('deleted_at_ms', 'is', null)
    .executeTakeFirst();
  if (row) {
    const { rollupProperties, channelRules, ...rest } = row;
    return { ...rest, rollups: { properties: JSON.parse(rollupProperties) as string[] }, channels: JSON.parse(channelRules) as ChannelRule[] };
  }
  throw new ControlError('project_not_found', `There is no project ${project}: list the projects.`, {
    field: 'project',
  });
}
