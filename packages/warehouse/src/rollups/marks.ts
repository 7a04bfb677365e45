import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { BUCKET_SQL, runsOf } from './bucket.ts';

/** Numbers in one statement: it ends at 256 KB. */
const MAX_STARTS = 10_000;

export interface Mark {
  project: string;
  /** Of a bucket, epoch ms. */
  startMs: number;
}

/** Where a mark comes from: a mark of a generation is cleared by recomputes that begin when it is over. */
export interface MarkOrigin {
  generation: number;
  epoch: string;
  /** The end of the range that made it; 0 of others. */
  offset: number;
}

/** Marks buckets as dirty; twice is as once. Durable when it resolves. Throws WarehouseError. */
export async function markBuckets(warehouse: Warehouse, marks: ReadonlyMap<string, readonly number[]>, { generation, epoch, offset }: MarkOrigin): Promise<void> {
  for (const [project, starts] of marks) {
    for (let at = 0; at < starts.length; at += MAX_STARTS) {
      await warehouse.command(
        `INSERT INTO rollup_marks (project, time, generation, epoch, offset)
         SELECT ${literal(project)}, fromUnixTimestamp64Milli(ms, 'UTC'), ${generation}, ${literal(epoch)}, ${offset}
         FROM (SELECT arrayJoin(CAST([${starts.slice(at, at + MAX_STARTS).join(',')}], 'Array(Int64)')) AS ms)`,
      );
    }
  }
}

/** Marks every bucket in [fromMs, toMs) that has events, or had any when it was rolled up. Absent = from the beginning; of all projects. */
export async function markStored(warehouse: Warehouse, range: { fromMs?: number | undefined; toMs: number }, generation: number): Promise<void> {
  const within = `${range.fromMs === undefined ? '' : `time >= ${timeLiteral(range.fromMs)} AND `}time < ${timeLiteral(range.toMs)}`;
  await warehouse.command(
    `INSERT INTO rollup_marks (project, time, generation, epoch, offset)
     SELECT DISTINCT project, bucket, ${generation}, '', 0 FROM (
       SELECT project, ${BUCKET_SQL} AS bucket FROM events WHERE ${within} UNION ALL SELECT project, time FROM rollup_buckets WHERE ${within})`,
  );
}

/** Up to `limit` marked buckets, the newest first, of all projects or of one before a time. */
export async function marked(warehouse: Warehouse, limit: number, only?: { project: string; beforeMs: number }): Promise<Mark[]> {
  const where = only === undefined ? '' : `WHERE project = ${literal(only.project)} AND time < ${timeLiteral(only.beforeMs)}`;
  const { rows } = await warehouse.query<Mark>(
    `SELECT project, toUnixTimestamp64Milli(time) AS startMs FROM rollup_marks ${where} GROUP BY project, time ORDER BY time DESC, project LIMIT ${limit}`,
  );
  return rows;
}

/** Takes the marks of a generation and before it off some buckets of a project, which are ascending. */
export async function clearMarks(warehouse: Warehouse, project: string, starts: readonly number[], generation: number): Promise<void> {
  const within = withinRuns(runsOf(starts));
  await warehouse.command(`DELETE FROM rollup_marks WHERE project = ${literal(project)} AND generation <= ${generation} AND (${within})`);
}

/** SQL: does `time` lie within one of the runs? */
export function withinRuns(runs: readonly { fromMs: number; toMs: number }[]): string {
  return runs.map(({ fromMs, toMs }) => `time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)}`).map((each) => `(${each})`).join(' OR ') || '0';
}
