import type { HeldBack } from '@tidemark/control';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';
import { heldBack, type Confirmations } from './plausible.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export interface ExpiryParts {
  warehouse: Warehouse;
  clock: Pick<ClockWatch, 'doubt'>;
  confirmations: Confirmations;
  nowMs?: () => number;
}

/** What grows too old, project by project. */
export interface Expiring {
  job: string;
  /** Rows of it, as they are told: `events`. */
  rows: string;
  table: 'events' | 'quarantine';
  /** The column of the table by which a row is old. */
  time: 'time' | 'received_at';
  /** The setting that says for how long a project keeps them. */
  setting: 'retentionDays' | 'quarantineDays';
  projects(): Promise<{ id: string }[]>;
  /** null = for ever. */
  daysKept(project: string): Promise<number | null>;
  /** Deletes the rows of a project that meet `old`, a condition on `time` and project: those before `oldMs`. */
  remove(project: string, old: string, oldMs: number, signal?: AbortSignal): Promise<void>;
}

/**
 * A job that deletes what is older than its project keeps it, once an hour; what seems too much is held back, and the other
 * projects go on. Throws ClockDoubted where there is something to delete and `clock` is not to be believed.
 */
export function expiry({ warehouse, clock, confirmations, nowMs = Date.now }: ExpiryParts, expiring: Expiring): Job {
  const { job, rows: what, table, time, setting } = expiring;
  const count = async (condition: string): Promise<number> => {
    const { rows } = await warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM ${table} WHERE ${condition}`);
    return rows[0]?.rows ?? 0;
  };
  return {
    name: job,
    everyMs: HOUR_MS,
    async run(signal) {
      const doubt = await clock.doubt();
      const held: HeldBack[] = [];
      let deleted = 0;
      for (const { id: project } of await expiring.projects()) {
        signal?.throwIfAborted();
        const days = await expiring.daysKept(project);
        if (days === null) continue;
        const oldMs = nowMs() - days * DAY_MS;
        const whose = `project = ${literal(project)}`;
        const old = `${whose} AND ${time} < fromUnixTimestamp64Milli(${oldMs}, 'UTC')`;
        // A mutation rewrites marks of every part it touches, so none is made where nothing is old.
        const rows = await count(old);
        if (rows === 0) continue;
        if (doubt !== undefined) throw new ClockDoubted(doubt);
        const implausible = await heldBack({ job, project, setting: `${setting}=${days}`, rows, countAll: () => count(whose) }, confirmations);
        if (implausible !== undefined) {
          held.push(implausible);
          continue;
        }
        await expiring.remove(project, old, oldMs, signal);
        deleted += rows;
      }
      if (deleted === 0 && held.length === 0) return undefined;
      return { rows: deleted, did: `${deleted} ${what} were older than their project keeps them`, heldBack: held };
    },
  };
}
