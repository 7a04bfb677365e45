import type { Warehouse } from '../warehouse.ts';

/** A question that has looked up the newest version may still be reading it. */
const SUPERSEDED_MINUTES = 15;

/**
 * Deletes rows of versions that a newer one replaced a while ago, and those that a kill left unfinished, when there are more
 * than `few`. Answers how many there were. Not to be called while a recompute is under way. Throws WarehouseError.
 */
export async function deleteSuperseded(warehouse: Warehouse, few: number): Promise<number> {
  const bucket = 'project, property, width, time';
  const settled = `FROM rollup_buckets WHERE made_at < now() - INTERVAL ${SUPERSEDED_MINUTES} MINUTE`;
  const recent = `FROM rollup_buckets WHERE made_at >= now() - INTERVAL ${SUPERSEDED_MINUTES} MINUTE`;
  const superseded = `(${bucket}) IN (SELECT ${bucket} ${settled})
    AND (${bucket}, version) NOT IN (SELECT ${bucket}, max(version) ${settled} GROUP BY ${bucket})
    AND (${bucket}, version) NOT IN (SELECT ${bucket}, version ${recent})`;
  const { rows } = await warehouse.query<{ superseded: number }>(`SELECT count() AS superseded FROM rollup_rows WHERE ${superseded}`);
  const count = rows[0]?.superseded ?? 0;
  if (count <= few) return 0;
  for (const table of ['rollup_rows', 'rollup_buckets']) await warehouse.command(`DELETE FROM ${table} WHERE ${superseded}`);
  return count;
}
