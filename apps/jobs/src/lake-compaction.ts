import { compactLake, type Lake } from '@tidemark/lake';
import type { Warehouse } from '@tidemark/warehouse';
import type { Job } from './job.ts';

const MINUTE_MS = 60_000;

/** Splits what has landed by the hour of its events, until nothing is left to split. */
export function lakeCompaction(lake: Lake, warehouse: Warehouse): Job {
  return {
    name: 'lake-compaction',
    everyMs: 5 * MINUTE_MS,
    async run(signal) {
      let [read, written, rows] = [0, 0, 0];
      for (;;) {
        signal?.throwIfAborted();
        const round = await compactLake(lake, warehouse);
        if (round.read === 0) break;
        read += round.read;
        written += round.written;
        rows += round.rows;
      }
      return read === 0 ? undefined : { rows, did: `${read} files became ${written}` };
    },
  };
}
