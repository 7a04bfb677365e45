import { literal } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { readLine } from './lines.ts';

export interface RollupState {
  /** Epoch ms: before it buckets are answered from rollups but for dirty ones; undefined before the first round. */
  sealedMs: number | undefined;
  /** Epoch ms: before it the project's events have begun to expire, and its rollups are kept as they are. */
  frozenMs: number | undefined;
  /** Buckets that are answered from events until they are rolled up (again). */
  dirtyBuckets: number;
}

/** Of one project, or of all (then without `frozenMs`). Throws WarehouseError. */
export async function readRollupState(warehouse: Warehouse, project?: string): Promise<RollupState> {
  const sealedMs = await readLine(warehouse, 'sealed');
  const frozenMs = project === undefined ? undefined : await readLine(warehouse, 'frozen', project);
  const whose = project === undefined ? '' : `WHERE project = ${literal(project)}`;
  const { rows } = await warehouse.query<{ dirty: number }>(`SELECT uniqExact(project, time) AS dirty FROM rollup_marks ${whose}`);
  return { sealedMs, frozenMs, dirtyBuckets: rows[0]?.dirty ?? 0 };
}
