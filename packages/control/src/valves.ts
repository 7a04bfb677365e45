import type { Kysely } from 'kysely';
import { ControlError } from './errors.ts';
import { newId } from './secrets.ts';
import { requireSource } from './sources.ts';
import { recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Stops events of one app version, name or source at the collector's door: the handle for a release that went wrong. */
export interface Valve {
  id: string;
  /** What it stops, by exact text; null matches anything, and at least one of the three is given. */
  appVersion: string | null;
  eventName: string | null;
  source: string | null;
  /** `quarantine`: kept with their bytes. `drop`: counted as rejected and not kept. */
  action: 'quarantine' | 'drop';
  /** Share of the matching events that is stopped, 0 to 1; which ones, their ids decide. */
  ratio: number;
  /** For people; '' = none given. Senders are not told. */
  reason: string;
  createdAtMs: number;
  /** Id of the API token that made it. */
  createdBy: string;
  /** From then on it stops nothing; null = until it is removed. */
  expiresAtMs: number | null;
}

interface ValveChanges {
  action?: 'quarantine' | 'drop';
  ratio?: number;
  reason?: string;
  expiresAtMs?: number | null;
}

interface NewValve extends ValveChanges {
  action: 'quarantine' | 'drop';
  appVersion?: string;
  eventName?: string;
  source?: string;
}

/** Collectors follow each change within two seconds. */
export interface Valves {
  /** Those that were not removed, oldest first; expired ones too. */
  list(project: string): Promise<Valve[]>;
  /** Throws `project_not_found`, `source_not_found`, `illegal_valve`, `too_many_valves`. */
  create(valve: NewValve & { project: string; actor: string }): Promise<Valve>;
  /** Changes what is given. What a valve matches stays: its counts belong to that. Throws `valve_not_found`, `illegal_valve`. */
  set(valve: { project: string; id: string; changes: ValveChanges; actor: string }): Promise<Valve>;
  /** Throws `valve_not_found`. */
  remove(valve: { project: string; id: string; actor: string }): Promise<void>;
}

/** Each is compared with each event of its project while it stands. */
const MAX_VALVES = 100;
/** Longer than any text they could match: versions are cut to 300 characters when stored, names are refused from 201 on. */
const MAX_TEXT_LENGTH = 300;

export function createValves(store: Store): Valves {
  return {
    list: (project) =>
      liveValves(store.db, project)
        .execute()
        .then((rows) => rows.map(toValve)),

    async create({ project, actor, ...valve }) {
      checkMatch(valve);
      checkChanges(valve, store.clock());
      const id = newId('v', store.random);
      return recorded(store, { project, actor, action: 'valve.create', subject: id, detail: { ...valve } }, async (trx, nowMs) => {
        await requireProject(trx, project);
        if (valve.source !== undefined) await requireSource(trx, project, valve.source);
        if ((await liveValves(trx, project).execute()).length >= MAX_VALVES) {
          const detail = `A project has at most ${MAX_VALVES} valves: remove those that are no longer needed.`;
          throw new ControlError('too_many_valves', detail);
        }
        const row = {
          id,
          project,
          app_version: valve.appVersion ?? null,
          event_name: valve.eventName ?? null,
          source: valve.source ?? null,
          action: valve.action,
          ratio: valve.ratio ?? 1,
          reason: valve.reason ?? '',
          created_at_ms: nowMs,
          created_by: actor,
          expires_at_ms: valve.expiresAtMs ?? null,
        };
        await trx.insertInto('valves').values(row).execute();
        return toValve(row);
      });
    },

    async set({ project, id, changes, actor }) {
      checkChanges(changes, store.clock());
      return recorded(store, { project, actor, action: 'valve.set', subject: id, detail: { ...changes } }, async (trx) => {
        await findValve(trx, project, id);
        const { expiresAtMs, ...rest } = changes;
        const columns = { ...rest, ...(expiresAtMs === undefined ? {} : { expires_at_ms: expiresAtMs }) };
        if (Object.keys(columns).length > 0) await trx.updateTable('valves').set(columns).where('id', '=', id).execute();
        return findValve(trx, project, id);
      });
    },

    async remove({ project, id, actor }) {
      return recorded(store, { project, actor, action: 'valve.remove', subject: id }, async (trx, nowMs) => {
        await findValve(trx, project, id);
        await trx.updateTable('valves').set({ deleted_at_ms: nowMs }).where('id', '=', id).execute();
      });
    },
  };
}

function checkMatch({ appVersion, eventName, source }: NewValve): void {
  if (appVersion === undefined && eventName === undefined && source === undefined) {
    const detail = 'Say what the valve is to stop: an appVersion, an eventName, a source, or several of them.';
    throw new ControlError('illegal_valve', detail, { field: 'appVersion' });
  }
  for (const [field, text] of Object.entries({ appVersion, eventName })) {
    if (text === undefined || (text !== '' && text.length <= MAX_TEXT_LENGTH && text.isWellFormed())) continue;
    throw new ControlError('illegal_valve', `${field} is text of 1 to ${MAX_TEXT_LENGTH} characters.`, { field });
  }
}

function checkChanges({ ratio, reason, expiresAtMs }: ValveChanges, nowMs: number): void {
  if (ratio !== undefined && !(ratio >= 0 && ratio <= 1))
    throw new ControlError('illegal_valve', 'A ratio lies from 0 to 1.', { field: 'ratio' });
  if (reason !== undefined && reason.length > 500)
    throw new ControlError('illegal_valve', 'A reason has at most 500 characters.', { field: 'reason' });
  if (typeof expiresAtMs === 'number' && !(expiresAtMs > nowMs))
    throw new ControlError('illegal_valve', 'expiresAt lies in the past: choose a later time.', { field: 'expiresAt' });
}

function liveValves(db: Kysely<Tables>, project: string) {
  return db
    .selectFrom('valves')
    .innerJoin('projects', 'projects.id', 'valves.project')
    .selectAll('valves')
    .where('project', '=', project)
    .where('valves.deleted_at_ms', 'is', null)
    .where('projects.deleted_at_ms', 'is', null)
    .orderBy('valves.created_at_ms')
    .orderBy('valves.id');
}

async function findValve(db: Kysely<Tables>, project: string, id: string): Promise<Valve> {
  const row = await liveValves(db, project).where('valves.id', '=', id).executeTakeFirst();
  if (row) return toValve(row);
  throw new ControlError('valve_not_found', 'This project has no such valve: list its valves.', { field: 'id' });
}

type ValveRow = {
  id: string;
  app_version: string | null;
  event_name: string | null;
  source: string | null;
  action: 'quarantine' | 'drop';
  ratio: number;
  reason: string;
  created_at_ms: number;
  created_by: string;
  expires_at_ms: number | null;
};

function toValve(row: ValveRow): Valve {
  const { id, source, action, ratio, reason } = row;
  return {
    id,
    appVersion: row.app_version,
    eventName: row.event_name,
    source,
    action,
    ratio,
    reason,
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    expiresAtMs: row.expires_at_ms,
  };
}
