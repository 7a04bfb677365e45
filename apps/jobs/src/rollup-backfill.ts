import { missingBuckets, nextVersion, readLines, recompute, type RollupDefinition, type Warehouse } from '@tidemark/warehouse';
import { portionsOf } from './rollup-portions.ts';

export interface BackfillParts {
  warehouse: Warehouse;
  definitionsOf(project: string): Promise<readonly RollupDefinition[]>;
  nowMs?: () => number;
  eventsAtATime?: number;
}

/** Buckets that are looked up at a time. */
const BUCKETS_AT_A_TIME = 500;
/** So that other jobs get their turn while history is counted by a new property. */
const ROUND_MS = 30_000;

/**
 * Makes rollups by properties that a project has named since its events were rolled up, the newest buckets first. No mark is
 * taken off: of a bucket that is dirty, or becomes so meanwhile, all rollups are made once more. Frozen ones stay without. What a
 * kill leaves is found again by what is missing.
 */
export async function backfill({ warehouse, definitionsOf, nowMs = Date.now, eventsAtATime = 500_000 }: BackfillParts, signal?: AbortSignal): Promise<{ buckets: number; rows: number }> {
  const done = { buckets: 0, rows: 0 };
  const untilMs = nowMs() + ROUND_MS;
  const { rows } = await warehouse.query<{ project: string }>('SELECT DISTINCT toString(project) AS project FROM rollup_buckets');
  const frozen = await readLines(warehouse, 'frozen');
  let version = await nextVersion(warehouse);
  for (const { project } of rows) {
    for (const definition of await definitionsOf(project)) {
      if (definition.property === '') continue;
      while (nowMs() < untilMs) {
        const missing = await missingBuckets(warehouse, { project, property: definition.property, fromMs: frozen.get(project) }, BUCKETS_AT_A_TIME);
        const marks = missing.map((startMs) => ({ project, startMs }));
        for (const { buckets, definitions } of await portionsOf(warehouse, marks, { definitionsOf: async () => [definition], maxEvents: eventsAtATime })) {
          signal?.throwIfAborted();
          done.rows += await recompute(warehouse, buckets, version++, definitions);
          for (const starts of buckets.values()) done.buckets += starts.length;
        }
        if (missing.length < BUCKETS_AT_A_TIME) break;
      }
    }
  }
  return done;
}
