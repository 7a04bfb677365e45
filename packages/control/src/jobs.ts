/** Leases of jobs, what their last rounds did, and which deletions people have confirmed. */
import type { Selectable } from 'kysely';
import { ControlError } from './errors.ts';
import { recorded, together } from './store.ts';
import type { Store } from './store.ts';
import type { Tables } from './tables.ts';

/** A deletion that a job did not make because it seemed too large. */
export interface HeldBack {
  /** '' = not of one project. */
  project: string;
  /** What led to it, such as `retentionDays=30`; a confirmation is of this text. */
  setting: string;
  /** How many rows would go, of how many. */
  rows: number;
  ofRows: number;
}

/** What became of one round of a job. */
export interface RoundFacts {
  durationMs: number;
  /** Rows that it read, wrote or deleted, whichever its work is counted in. */
  rows: number;
  /** null = there was nothing to do. */
  result: string | null;
  error: string | null;
  /** Stable; null where `error` is, or when it has none. */
  errorCode: string | null;
  heldBack: readonly HeldBack[];
}

export interface JobRecord extends RoundFacts {
  name: string;
  /** Who holds the lease, and until when (epoch ms); null = nobody. */
  lease: { holder: string; untilMs: number } | null;
  /** Epoch ms of the end of the last round; null before the first. */
  endedAtMs: number | null;
}

/** Of several engines on one set of stores, the holder of a job's lease alone runs the job. */
export interface JobRecords {
  /** True when the caller now holds the job's lease for `leaseMs`; false while another holder's has not lapsed. */
  take(lease: JobLease): Promise<boolean>;
  /** Prolongs a lease. False when somebody else has taken it since it lapsed: the work has to stop. */
  renew(lease: JobLease): Promise<boolean>;
  /** Gives the lease back together with what the round did. Does nothing when somebody else has taken it. */
  end(round: { name: string; holder: string } & RoundFacts): Promise<void>;
  /** All jobs that were ever run, by name. */
  list(): Promise<JobRecord[]>;
  /** Confirms what the job's last round held back, and answers it. Throws `nothing_to_confirm`. */
  confirm(confirmation: { name: string; project: string; actor: string }): Promise<HeldBack[]>;
  isConfirmed(deletion: { job: string; project: string; setting: string }): Promise<boolean>;
}

export interface JobLease {
  name: string;
  /** Names one process of one engine. */
  holder: string;
  leaseMs: number;
}

export function createJobRecords(store: Store): JobRecords {
  const { db } = store;
  return {
    async take({ name, holder, leaseMs }) {
      const nowMs = store.clock();
      await db.insertInto('jobs').values({ name }).onConflict((conflict) => conflict.doNothing()).execute();
      const taken = await db
        .updateTable('jobs')
        .set({ holder, lease_until_ms: nowMs + leaseMs, started_at_ms: nowMs })
        .where('name', '=', name)
        .where(({ eb, or }) =>
          // The last: nobody renews so far ahead; the clock was set back after a holder had died.
          or([eb('holder', 'is', null), eb('holder', '=', holder), eb('lease_until_ms', '<=', nowMs), eb('lease_until_ms', '>', nowMs + LONGEST_LEASE_MS)]),
        )
        .executeTakeFirstOrThrow();
      return taken.numUpdatedRows > 0n;
    },

    async renew({ name, holder, leaseMs }) {
      const renewed = await db
        .updateTable('jobs')
        .set({ lease_until_ms: store.clock() + leaseMs })
        .where('name', '=', name)
        .where('holder', '=', holder)
        .executeTakeFirstOrThrow();
      return renewed.numUpdatedRows > 0n;
    },

    async end({ name, holder, durationMs, rows, result, error, errorCode, heldBack }) {
      const facts = { duration_ms: durationMs, rows, result, error, error_code: errorCode, held_back: JSON.stringify(heldBack) };
      await db
        .updateTable('jobs')
        .set({ ...facts, ended_at_ms: store.clock(), holder: null, lease_until_ms: null })
        .where('name', '=', name)
        .where('holder', '=', holder)
        .execute();
    },

    list: async () => (await db.selectFrom('jobs').selectAll().orderBy('name').execute()).map(toRecord),

    confirm: ({ name, project, actor }) =>
      together(store, async (inside) => {
        const row = await inside.db.selectFrom('jobs').select('held_back').where('name', '=', name).executeTakeFirst();
        const heldBack = JSON.parse(row?.held_back ?? '[]') as HeldBack[];
        if (heldBack.length === 0) {
          throw new ControlError('nothing_to_confirm', `The last round of ${name} held nothing back: run it without \`confirm\`.`, { field: 'confirm' });
        }
        for (const deletion of heldBack) {
          const change = { project: deletion.project === '' ? project : deletion.project, actor, action: 'job.confirm', subject: name, detail: { ...deletion } };
          await recorded(inside, change, async (trx, nowMs) => {
            const confirmation = { job: name, project: deletion.project, setting: deletion.setting, confirmed_at_ms: nowMs, confirmed_by: actor };
            await trx.insertInto('job_confirmations').values(confirmation).onConflict((conflict) => conflict.doNothing()).execute();
          });
        }
        await inside.db.updateTable('jobs').set({ held_back: '[]' }).where('name', '=', name).execute();
        return heldBack;
      }),

    async isConfirmed({ job, project, setting }) {
      const row = await db
        .selectFrom('job_confirmations')
        .select('job')
        .where('job', '=', job)
        .where('project', '=', project)
        .where('setting', '=', setting)
        .executeTakeFirst();
      return row !== undefined;
    },
  };
}

/** Longer than any engine takes one for. */
const LONGEST_LEASE_MS = 10 * 60_000;

function toRecord(row: Selectable<Tables['jobs']>): JobRecord {
  return {
    name: row.name,
    lease: row.holder === null || row.lease_until_ms === null ? null : { holder: row.holder, untilMs: row.lease_until_ms },
    endedAtMs: row.ended_at_ms,
    durationMs: row.duration_ms ?? 0,
    rows: row.rows ?? 0,
    result: row.result,
    error: row.error,
    errorCode: row.error_code,
    heldBack: JSON.parse(row.held_back) as HeldBack[],
  };
}
