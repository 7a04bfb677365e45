import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { BUCKET_MS, bucketStart, nextBorder, type Run } from './bucket.ts';
import { lineSql } from './lines.ts';

/**
 * The version of the events of a project in a span of time that is sealed and clean: while it stays the same, so do these events.
 * Undefined while events of it are still expected, wait to be rolled up again, or have begun to expire. Throws WarehouseError.
 *
 * A row marks its bucket before it is written, and the mark goes only when the bucket has a new version. So the marks are looked at
 * before the version, and a version read before the events tells of at most as much as they do.
 */
export async function sealedVersion(warehouse: Pick<Warehouse, 'query'>, project: string, { fromMs, toMs }: Run): Promise<number | undefined> {
  const { rows: lines } = await warehouse.query<{ line: string; ms: number }>(
    `SELECT 'sealed' AS line, ms FROM (${lineSql('sealed')}) UNION ALL SELECT 'frozen', ms FROM (${lineSql('frozen', project)})`,
  );
  const lineMs = (name: string): number => Number(lines.find(({ line }) => line === name)?.ms ?? -Infinity);
  if (lineMs('sealed') < toMs || lineMs('frozen') > fromMs) return undefined;
  const within = `project = ${literal(project)} AND time >= ${timeLiteral(bucketStart(fromMs))} AND time < ${timeLiteral(nextBorder(toMs))}`;
  const { rows: marks } = await warehouse.query(`SELECT 1 FROM rollup_marks WHERE ${within} LIMIT 1`);
  if (marks.length > 0) return undefined;
  const { rows } = await warehouse.query<{ version: number }>(
    `SELECT max(version) AS version FROM rollup_buckets WHERE ${within} AND property = '' AND width = ${BUCKET_MS / 1_000}`,
  );
  return Number(rows[0]?.version ?? 0);
}
