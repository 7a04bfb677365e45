import { currentEpoch, type LogReader } from '@tidemark/log';
import type { ProcessorView } from '@tidemark/processor';
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Job } from './job.ts';

const MINUTE_MS = 60_000;
const CHECKED_MINUTES = 24 * 60;

export interface AccountingDifference {
  project: string;
  source: string;
  minuteMs: number;
  received: number;
  /** Sum over all outcomes. */
  accounted: number;
}

export interface AccountingParts {
  log: LogReader;
  processor: ProcessorView;
  warehouse: Warehouse;
  nowMs: () => number;
  /** Told after each round: whatever differs, an empty list when all is well. */
  report: (differences: AccountingDifference[]) => void;
}

/**
 * Holds what the collector counted on receipt, minute by minute, against what the processor says became of it. Two
 * counts made by two processes: they can differ only by a fault of ours. Checked are the minutes that lie wholly behind
 * what both topics have committed, with a minute to spare, so that the check runs under steady load too.
 */
export function accountingCheck({ log, processor, warehouse, nowMs, report }: AccountingParts): Job {
  return {
    name: 'accounting-check',
    everyMs: MINUTE_MS,
    async run() {
      const { asOfMs, quarantineWaitingSinceMs = Infinity, epoch } = processor.status();
      const behindMs = Math.min(asOfMs, quarantineWaitingSinceMs) - MINUTE_MS;
      const fromMs = Math.max(Math.floor(nowMs() / MINUTE_MS - CHECKED_MINUTES) * MINUTE_MS, wholeMinutesSince(log));
      const toMs = Math.floor(behindMs / MINUTE_MS) * MINUTE_MS;
      if (toMs <= fromMs) return undefined;
      const sums = new Map<string, AccountingDifference>();
      const sumOf = (project: string, source: string, minuteMs: number): AccountingDifference => {
        const key = `${project}\0${source}\0${minuteMs}`;
        const sum = sums.get(key) ?? { project, source, minuteMs, received: 0, accounted: 0 };
        sums.set(key, sum);
        return sum;
      };
      for (const { project, source, minuteMs, received } of log.receipts(fromMs)) {
        if (minuteMs < toMs) sumOf(project, source, minuteMs).received += received;
      }
      // A replay brings nothing: in its minute one is stored, and one fewer quarantined.
      const { rows } = await warehouse.query<{ project: string; source: string; minuteMs: number; events: number }>(
        `SELECT project, source, toInt64(toUnixTimestamp(minute)) * 1000 AS minuteMs, sum(if(outcome = 'replayed', -toInt64(events), toInt64(events))) AS events FROM outcomes
         WHERE epoch = ${literal(epoch)} AND minute >= toDateTime(${fromMs / 1000}, 'UTC') AND minute < toDateTime(${toMs / 1000}, 'UTC')
         GROUP BY project, source, minute`,
      );
      for (const { project, source, minuteMs, events } of rows) sumOf(project, source, minuteMs).accounted += events;
      const differences = [...sums.values()].filter(({ received, accounted }) => received !== accounted);
      report(differences);
      return { rows: sums.size, did: `${sums.size} minutes of sources checked, ${differences.length} differ` };
    },
  };
}

/** A log that was put back counts on from where the copy was made, so the minute in which that was done is in two parts. */
function wholeMinutesSince({ epochs }: LogReader): number {
  const { because, beganAtMs } = currentEpoch(epochs);
  return because === 'created' ? 0 : Math.ceil(beganAtMs / MINUTE_MS) * MINUTE_MS;
}
