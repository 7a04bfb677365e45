import type { Control } from '@tidemark/control';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Job } from './job.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Deletes events older than their project keeps them; projects without a retention keep everything. */
export function retention(warehouse: Warehouse, control: Control, nowMs: () => number = Date.now): Job {
  return {
    name: 'retention',
    everyMs: HOUR_MS,
    async run() {
      const done: string[] = [];
      for (const { id } of await control.projects.list()) {
        const { retentionDays } = await control.settings.get(id);
        if (retentionDays === null) continue;
        const before = `fromUnixTimestamp64Milli(${nowMs() - retentionDays * DAY_MS}, 'UTC')`;
        for (const table of ['events', 'timeline']) {
          await warehouse.command(`DELETE FROM ${table} WHERE project = ${literal(id)} AND time < ${before}`);
        }
        done.push(id);
      }
      return done.length === 0 ? undefined : `deleted what is too old in ${done.join(', ')}`;
    },
  };
}
