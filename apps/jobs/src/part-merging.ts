/**
 * Reading a person's page costs the same again for each part that it is spread over: 24 ms of CPU from ten parts, 8 from one
 * (1.5 M rows, chDB 26.7, 2 busy cores, 2026-11-22). Under load parts are left alone until there are ten, because merges take
 * CPU from the intake (warehouse migration 003); when nothing comes in they may as well be brought together.
 */
import { literal, type Warehouse } from '@tidemark/warehouse';
import type { Job } from './job.ts';

/** Tables that are asked for one id at a time. */
const TABLES = ['timeline', 'identity_claims', 'event_ids'];
/** How long nothing was written to the partition. Merges of the engine's own count as writing. */
const REST_MS = 30_000;
/** A merge of so much takes about 40 s of one core, and can't be cut short. */
const MAX_BYTES = 512 << 20;
/** At least a tenth of the rows lies outside the largest part, so that a row is written anew some ten times, not with every trickle. */
const WORTH_SHARE = 0.1;

interface Partition {
  name: string;
  partition: string;
  parts: number;
  rows: number;
}

/** Merges the parts of partitions that rest, the smallest first. Its rows are those that it wrote anew. */
export function partMerging(warehouse: Warehouse, nowMs: () => number): Job {
  return {
    name: 'part-merging',
    everyMs: REST_MS,
    async run(signal) {
      const resting = await restingPartitions(warehouse, nowMs());
      for (const { name, partition } of resting) {
        signal?.throwIfAborted();
        await warehouse.command(`OPTIMIZE TABLE ${name} PARTITION ID ${literal(partition)} FINAL`);
      }
      if (resting.length === 0) return undefined;
      const parts = resting.reduce((sum, partition) => sum + partition.parts, 0);
      return { rows: resting.reduce((sum, partition) => sum + partition.rows, 0), did: `${parts} parts became ${resting.length}` };
    },
  };
}

async function restingPartitions(warehouse: Warehouse, nowMs: number): Promise<Partition[]> {
  const { rows } = await warehouse.query<Partition>(
    `SELECT table AS name, partition_id AS partition, count() AS parts, sum(rows) AS rows FROM system.parts
WHERE database = currentDatabase() AND active AND table IN (${TABLES.map((table) => literal(table)).join(', ')}) GROUP BY name, partition
HAVING parts > 1 AND sum(bytes_on_disk) <= ${MAX_BYTES} AND toUnixTimestamp(max(modification_time)) * 1000 <= ${nowMs - REST_MS}
  AND sum(system.parts.rows) - max(system.parts.rows) >= ${WORTH_SHARE} * sum(system.parts.rows)
ORDER BY rows`,
  );
  return rows.map((row) => ({ ...row, parts: Number(row.parts), rows: Number(row.rows) }));
}
