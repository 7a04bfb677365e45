import { literal, type Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';
import { heldBack, type Confirmations } from './plausible.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAME = 'id-expiry';
/** Ids are forgotten by whole weeks, so the window is between this and a week more. */
export const DEDUP_WINDOW_DAYS = 31;

export interface IdExpiryParts {
  warehouse: Warehouse;
  clock: Pick<ClockWatch, 'doubt'>;
  confirmations: Confirmations;
  nowMs?: () => number;
  /** Told the day (`20261118`) before which no week that is left began. */
  forgotten?: (beforeDay: string) => void;
}

/**
 * Forgets ids that were received before the dedup window, a week at a time, the oldest first. Throws ClockDoubted where
 * there are such and `clock` is not to be believed.
 */
export function idExpiry({ warehouse, clock, confirmations, nowMs = Date.now, forgotten = () => {} }: IdExpiryParts): Job {
  return {
    name: NAME,
    everyMs: 6 * HOUR_MS,
    async run(signal) {
      const doubt = await clock.doubt();
      const oldest = new Date(nowMs() - (DEDUP_WINDOW_DAYS + 7) * DAY_MS).toISOString().slice(0, 10);
      const { rows: weeks } = await warehouse.query<{ week: string; ids: number; isOld: number }>(
        `SELECT partition AS week, sum(rows) AS ids, partition < ${literal(oldest)} AS isOld FROM system.parts
         WHERE active AND database = currentDatabase() AND table = 'event_ids' GROUP BY partition ORDER BY partition`,
      );
      const old = weeks.filter(({ isOld }) => isOld === 1);
      const last = old.at(-1);
      if (last === undefined) return undefined;
      if (doubt !== undefined) throw new ClockDoubted(doubt);
      const ids = sum(old);
      // The last week and not the day of today: what was confirmed is the same tomorrow.
      const deletion = { job: NAME, project: '', setting: `weeks up to ${last.week}`, rows: ids, countAll: async () => sum(weeks) };
      const implausible = await heldBack(deletion, confirmations);
      if (implausible !== undefined) return { rows: 0, did: 'forgot nothing', heldBack: [implausible] };
      for (const { week } of old) {
        signal?.throwIfAborted();
        await warehouse.command(`ALTER TABLE event_ids DROP PARTITION ${literal(week)}`);
      }
      forgotten(oldest.replaceAll('-', ''));
      return { rows: ids, did: `forgot the weeks of ${old.map(({ week }) => week).join(', ')}` };
    },
  };
}

function sum(weeks: readonly { ids: number }[]): number {
  return weeks.reduce((all, { ids }) => all + ids, 0);
}
