import type { HeldBack } from '@tidemark/control';
import { removeFromLake, type Lake } from '@tidemark/lake';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';
import { heldBack, type Confirmations } from './plausible.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAME = 'retention';

/** How long each project keeps its events. */
export interface RetentionSettings {
  list(): Promise<{ id: string }[]>;
  /** null = for ever. */
  retentionDays(project: string): Promise<number | null>;
}

export interface RetentionParts {
  warehouse: Warehouse;
  lake: Lake;
  settings: RetentionSettings;
  clock: Pick<ClockWatch, 'doubt'>;
  confirmations: Confirmations;
  /** Called before a project's events older than a time are deleted, which is left when it throws: what they made is to be kept. */
  expiring?: (project: string, beforeMs: number, signal?: AbortSignal) => Promise<void>;
  nowMs?: () => number;
}

/**
 * Deletes events older than their project keeps them; projects without a retention keep everything. One file of the lake,
 * then one partition of a table at a time, so that neither memory nor a step's time grow with how much is old.
 * Throws ClockDoubted where there is something to delete and `clock` is not to be believed.
 */
export function retention({ warehouse, lake, settings, clock, confirmations, expiring, nowMs = Date.now }: RetentionParts): Job {
  return {
    name: NAME,
    everyMs: HOUR_MS,
    async run(signal) {
      const doubt = await clock.doubt();
      const held: HeldBack[] = [];
      let deleted = 0;
      for (const { id } of await settings.list()) {
        signal?.throwIfAborted();
        const days = await settings.retentionDays(id);
        if (days === null) continue;
        const oldMs = nowMs() - days * DAY_MS;
        const whose = `project = ${literal(id)}`;
        const old = `${whose} AND time < fromUnixTimestamp64Milli(${oldMs}, 'UTC')`;
        // A mutation rewrites marks of every part it touches, so none is made where nothing is old.
        const events = await count(warehouse, old);
        if (events === 0) continue;
        if (doubt !== undefined) throw new ClockDoubted(doubt);
        const deletion = { job: NAME, project: id, setting: `retentionDays=${days}`, rows: events, countAll: () => count(warehouse, whose) };
        const implausible = await heldBack(deletion, confirmations);
        if (implausible !== undefined) {
          held.push(implausible);
          continue;
        }
        await expiring?.(id, oldMs, signal);
        // The events last: while any are left the round is not done, and a kill in between begins it again.
        await removeFromLake(lake, warehouse, old, (file) => {
          signal?.throwIfAborted();
          return file.rows > 0 && file.fromMs < oldMs;
        });
        for (const table of ['timeline', 'events']) await deleteByPartition(warehouse, table, old, signal);
        deleted += events;
      }
      if (deleted === 0 && held.length === 0) return undefined;
      return { rows: deleted, did: `${deleted} events were older than their project keeps them`, heldBack: held };
    },
  };
}

async function deleteByPartition(warehouse: Warehouse, table: string, condition: string, signal?: AbortSignal): Promise<void> {
  const { rows } = await warehouse.query<{ id: string }>(`SELECT DISTINCT _partition_id AS id FROM ${table} WHERE ${condition} ORDER BY id`);
  for (const { id } of rows) {
    signal?.throwIfAborted();
    await warehouse.command(`DELETE FROM ${table} IN PARTITION ID ${literal(id)} WHERE ${condition}`);
  }
}

async function count(warehouse: Warehouse, condition: string): Promise<number> {
  const { rows } = await warehouse.query<{ events: number }>(`SELECT count() AS events FROM events WHERE ${condition}`);
  return rows[0]?.events ?? 0;
}
