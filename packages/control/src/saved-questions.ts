import type { Kysely } from 'kysely';
import { ControlError } from './errors.ts';
import { recorded, requireProject } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** Of a project, by kind and name. */
const MAX_QUESTIONS = 10_000;

export interface SavedQuestion {
  /** `trend`, `funnel`, … */
  kind: string;
  name: string;
  /** 1, 2, 3, … of this kind and name; numbers go on after a deletion. */
  version: number;
  /** The question as it was saved. */
  body: unknown;
  createdAtMs: number;
  /** Id of the API token that saved it. */
  createdBy: string;
  /** The people that a static cohort keeps. The warehouse holds those of the newest version only. */
  members?: KeptMembers;
}

export interface KeptMembers {
  /** Of this saving, among all projects'. */
  id: string;
  people: number;
  ids: number;
}

export interface QuestionName {
  project: string;
  kind: string;
  name: string;
}

export interface SavedQuestions {
  /** The newest version of each, by kind and name. */
  list(project: string, kind?: string): Promise<SavedQuestion[]>;
  /** The newest, or the version asked for. Throws `unknown_question`, `unknown_version`. */
  get(question: QuestionName & { version?: number }): Promise<SavedQuestion>;
  /** All versions, newest first. Throws `unknown_question`. */
  versions(question: QuestionName): Promise<SavedQuestion[]>;
  /**
   * Saves a new version, unless the newest is the same question (as JSON, whatever its order of keys) and keeps no members; `isNew`:
   * there was none of this name. With `ifVersion` (0 = none yet) throws `version_conflict` unless that is the newest; `illegal_name`; `too_many_questions`.
   */
  save(question: QuestionName & { body: unknown; members?: KeptMembers; ifVersion?: number; actor: string }): Promise<SavedQuestion & { isNew: boolean }>;
  /** All versions. Throws `unknown_question`. */
  delete(question: QuestionName & { actor: string }): Promise<void>;
  /** Ids of all members that a newest version of a living project names. */
  membersInUse(): Promise<string[]>;
}

export function createSavedQuestions(store: Store): SavedQuestions {
  return {
    async list(project, kind) {
      const rows = await living(store.db, project)
        .$if(kind !== undefined, (query) => query.where('kind', '=', kind as string))
        // A question may have any number of versions before the newest: they are not read.
        .where('version', '=', ({ selectFrom }) =>
          selectFrom('saved_questions as each')
            .select((is) => is.fn.max('each.version').as('newest'))
            .where('each.project', '=', project)
            .whereRef('each.kind', '=', 'saved_questions.kind')
            .whereRef('each.name', '=', 'saved_questions.name')
            .where('each.deleted_at_ms', 'is', null),
        )
        .orderBy('kind')
        .orderBy('name')
        .execute();
      return rows.map(toSavedQuestion);
    },

    async get({ version, ...question }) {
      const rows = await versionsOf(store.db, question)
        .$if(version !== undefined, (query) => query.where('version', '=', version as number))
        .limit(1)
        .execute();
      if (rows.length === 0 && version !== undefined) refuseVersion(version, found(await versionsOf(store.db, question).execute()));
      return toSavedQuestion(found(rows)[0]);
    },

    versions: async (question) => found(await versionsOf(store.db, question).execute()).map(toSavedQuestion),

    async save({ project, kind, name, body, members, ifVersion, actor }) {
      checkName(name);
      const change = { project, actor, action: 'question.save', subject: `${kind}/${name}` };
      return recorded(store, change, async (trx, nowMs) => {
        await requireProject(trx, project);
        const newest = await versionsOf(trx, { project, kind, name }).limit(1).executeTakeFirst();
        if (ifVersion !== undefined && ifVersion !== (newest?.version ?? 0)) {
          const detail = `The newest version is ${newest?.version ?? 0}, not ${ifVersion}: read it and save again.`;
          throw new ControlError('version_conflict', detail, { field: 'ifVersion' });
        }
        if (newest !== undefined && members === undefined && canonical(JSON.parse(newest.body)) === canonical(body)) return { ...toSavedQuestion(newest), isNew: false };
        if (newest === undefined) await refuseTooMany(trx, project);
        const { last } = await trx
          .selectFrom('saved_questions')
          .select((is) => is.fn.max('version').as('last'))
          .where('project', '=', project)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .executeTakeFirstOrThrow();
        const key = { kind, name, version: ((last as number | null) ?? 0) + 1 };
        const row = { ...key, body: JSON.stringify(body), created_at_ms: nowMs, created_by: actor, members: members === undefined ? null : JSON.stringify(members) };
        await trx
          .insertInto('saved_questions')
          .values({ project, ...row })
          .execute();
        return { ...toSavedQuestion(row), isNew: newest === undefined };
      });
    },

    async delete({ project, kind, name, actor }) {
      const change = { project, actor, action: 'question.delete', subject: `${kind}/${name}` };
      return recorded(store, change, async (trx, nowMs) => {
        found(await versionsOf(trx, { project, kind, name }).limit(1).execute());
        await trx
          .updateTable('saved_questions')
          .set({ deleted_at_ms: nowMs })
          .where('project', '=', project)
          .where('kind', '=', kind)
          .where('name', '=', name)
          .where('deleted_at_ms', 'is', null)
          .execute();
      });
    },

    async membersInUse() {
      const rows = await store.db
        .selectFrom('saved_questions as saved')
        .innerJoin('projects', 'projects.id', 'saved.project')
        .select('members')
        .where('members', 'is not', null)
        .where('saved.deleted_at_ms', 'is', null)
        .where('projects.deleted_at_ms', 'is', null)
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('saved_questions as later').select('later.version')
            .whereRef('later.project', '=', 'saved.project').whereRef('later.kind', '=', 'saved.kind').whereRef('later.name', '=', 'saved.name')
            .whereRef('later.version', '>', 'saved.version').where('later.deleted_at_ms', 'is', null))))
        .execute();
      return rows.map(({ members }) => (JSON.parse(members as string) as KeptMembers).id);
    },
  };
}

/** Names are told apart by every character of theirs. Throws `illegal_name`. */
function checkName(name: string): void {
  if (name.length >= 1 && name.length <= 200 && !/\p{Cc}/u.test(name)) return;
  throw new ControlError('illegal_name', 'The name of a question has 1 to 200 characters, none of them a control character.', { field: 'name' });
}

async function refuseTooMany(db: Kysely<Tables>, project: string): Promise<void> {
  const names = living(db, project).clearSelect().select(['kind', 'name']).distinct();
  const { count } = await db
    .selectFrom(names.as('names'))
    .select((is) => is.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  if (count < MAX_QUESTIONS) return;
  throw new ControlError('too_many_questions', `A project has up to ${MAX_QUESTIONS} saved questions: delete one first.`, { field: 'name' });
}

/** One text for the same JSON, in whichever order its keys come. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each) ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1))) : each,
  );
}

function living(db: Kysely<Tables>, project: string) {
  return db
    .selectFrom('saved_questions')
    .select(['kind', 'name', 'version', 'body', 'created_at_ms', 'created_by', 'members'])
    .where('project', '=', project)
    .where('deleted_at_ms', 'is', null);
}

function versionsOf(db: Kysely<Tables>, { project, kind, name }: QuestionName) {
  return living(db, project).where('kind', '=', kind).where('name', '=', name).orderBy('version', 'desc');
}

type QuestionRow = {
  kind: string;
  name: string;
  version: number;
  body: string;
  created_at_ms: number;
  created_by: string;
  members: string | null;
};

function found(rows: QuestionRow[]): [QuestionRow, ...QuestionRow[]] {
  if (rows.length > 0) return rows as [QuestionRow, ...QuestionRow[]];
  throw new ControlError('unknown_question', 'There is no saved question of that name: list those that there are.', {
    field: 'name',
  });
}

/** `there` without gaps, the newest first: a deletion hides all that there are. Throws `unknown_version`. */
function refuseVersion(version: number, there: [QuestionRow, ...QuestionRow[]]): never {
  const [first, last] = [there.at(-1)!.version, there[0].version];
  const known = first === last ? `there is version ${last} alone` : `there are versions ${first} to ${last}`;
  throw new ControlError('unknown_version', `There is no version ${version} of this saved question: ${known}.`, { field: 'version' });
}

function toSavedQuestion({ kind, name, version, body, members, ...row }: QuestionRow): SavedQuestion {
  const kept = members === null ? {} : { members: JSON.parse(members) as KeptMembers };
  return { kind, name, version, body: JSON.parse(body), createdAtMs: row.created_at_ms, createdBy: row.created_by, ...kept };
}
