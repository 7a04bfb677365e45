import type { Warehouse } from '../warehouse.ts';
import { BUCKET_SQL } from './bucket.ts';
import type { BucketsOfProjects } from './buckets-of-projects.ts';
import type { RollupDefinition } from './definition.ts';

/** Values of a named property within one bucket: with more the rollup comes near to the events themselves, and is not made. */
const MAX_VALUES = 1_000;
/** Bytes of the longest of them. */
const MAX_VALUE_BYTES = 1_000;

/** The buckets `within` which a named property has more, or longer, values than a rollup holds. */
export async function overflowOf(warehouse: Warehouse, within: string, { property, dimensions, maxValues = MAX_VALUES }: RollupDefinition): Promise<BucketsOfProjects> {
  const [named] = dimensions;
  if (property === '' || named === undefined) return new Map();
  const { rows } = await warehouse.query<{ project: string; starts: number[] }>(
    `SELECT project, groupArray(toUnixTimestamp64Milli(bucket)) AS starts FROM (
       SELECT project, bucket FROM (SELECT project, ${BUCKET_SQL} AS bucket, ${named.sql} AS value FROM events WHERE ${within})
       GROUP BY project, bucket HAVING uniqExact(value) > ${maxValues} OR max(length(value)) > ${MAX_VALUE_BYTES}) GROUP BY project`,
  );
  return new Map(rows.map(({ project, starts }) => [project, starts]));
}
