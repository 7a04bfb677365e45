import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { BUCKET_SQL } from './bucket.ts';
import { bucketList, bucketsSql, piecesOf, type BucketsOfProjects } from './buckets-of-projects.ts';

/** Of one statement, which ends at 256 KB: each may be of another project. */
const MAX_BUCKETS = 2_000;

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
export async function markBuckets(warehouse: Warehouse, marks: BucketsOfProjects, { generation, epoch, offset }: MarkOrigin): Promise<void> {
  for (const piece of piecesOf(marks, MAX_BUCKETS)) {
    await warehouse.command(
      `INSERT INTO rollup_marks (project, time, generation, epoch, offset)
       SELECT project, fromUnixTimestamp64Milli(ms, 'UTC'), ${generation}, ${literal(epoch)}, ${offset} FROM (${bucketsSql(piece)})`,
    );
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

/** Takes the marks of a generation and before it off some buckets. */
export async function clearMarks(warehouse: Warehouse, buckets: BucketsOfProjects, generation: number): Promise<void> {
  // A statement each, however many projects: it waits until no merge is in its way.
  for (const piece of piecesOf(buckets, MAX_BUCKETS)) {
    await warehouse.command(`DELETE FROM rollup_marks WHERE generation <= ${generation} AND (project, toUnixTimestamp64Milli(time)) IN ${bucketList(piece)}`);
  }
}
