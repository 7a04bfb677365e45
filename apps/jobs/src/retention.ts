import { removeFromLake, type Lake } from '@tidemark/lake';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** How long each project keeps its events. */
export interface RetentionSettings {
  list(): Promise<{ id: string }[]>;
  /** null = for ever. */
  retentionDays(project: string): Promise<number | null>;
}

/**
 * Deletes events older than their project keeps them; projects without a retention keep everything. Throws ClockDoubted
 * where there is something to delete and `clock` is not to be believed.
 */
export function retention(warehouse: Warehouse, lake: Lake, settings: RetentionSettings, clock: Pick<ClockWatch, 'doubt'>, nowMs: () => number = Date.now): Job {
  return {
    name: 'retention',
    everyMs: HOUR_MS,
    async run() {
      const doubt = await clock.doubt();
      let deleted = 0;
      for (const { id } of await settings.list()) {
        const days = await settings.retentionDays(id);
        if (days === null) continue;
        const oldMs = nowMs() - days * DAY_MS;
        const old = `project = ${literal(id)} AND time < fromUnixTimestamp64Milli(${oldMs}, 'UTC')`;
        // A mutation rewrites marks of every part it touches, so none is made where nothing is old.
        const { rows } = await warehouse.query<{ events: number }>(`SELECT count() AS events FROM events WHERE ${old}`);
        const events = rows[0]?.events ?? 0;
        if (events === 0) continue;
        if (doubt !== undefined) throw new ClockDoubted(doubt);
        // The events last: while any are left the round is not done, and a kill in between begins it again.
        await removeFromLake(lake, warehouse, old, ({ rows: held, fromMs }) => held > 0 && fromMs < oldMs);
        for (const table of ['timeline', 'events']) await warehouse.command(`DELETE FROM ${table} WHERE ${old}`);
        deleted += events;
      }
      return deleted === 0 ? undefined : `${deleted} events were older than their project keeps them`;
    },
  };
}
