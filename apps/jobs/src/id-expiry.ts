import type { Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Ids are forgotten by whole weeks, so the window is between this and a week more. */
export const DEDUP_WINDOW_DAYS = 31;

/**
 * Forgets ids that were received before the dedup window; `forgotten` is told the day (`20261118`) before
 * which no week that is left began. Throws ClockDoubted where there are such and `clock` is not to be believed.
 */
export function idExpiry(warehouse: Warehouse, clock: Pick<ClockWatch, 'doubt'>, nowMs: () => number = Date.now, forgotten: (beforeDay: string) => void = () => {}): Job {
  return {
    name: 'id-expiry',
    everyMs: 6 * HOUR_MS,
    async run() {
      const doubt = await clock.doubt();
      const oldest = new Date(nowMs() - (DEDUP_WINDOW_DAYS + 7) * DAY_MS).toISOString().slice(0, 10);
      const { rows } = await warehouse.query<{ partition: string }>(
        `SELECT DISTINCT partition FROM system.parts
         WHERE active AND database = currentDatabase() AND table = 'event_ids' AND partition < '${oldest}'`,
      );
      if (doubt !== undefined && rows.length > 0) throw new ClockDoubted(doubt);
      for (const { partition } of rows) await warehouse.command(`ALTER TABLE event_ids DROP PARTITION '${partition}'`);
      if (rows.length > 0) forgotten(oldest.replaceAll('-', ''));
      return rows.length === 0 ? undefined : `forgot the weeks of ${rows.map(({ partition }) => partition).join(', ')}`;
    },
  };
}
