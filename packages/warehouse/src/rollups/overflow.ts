import type { Warehouse } from '../warehouse.ts';
import { BUCKET_SQL } from './bucket.ts';
import type { RollupDefinition } from './recompute.ts';

/** Values of a named property within one bucket: with more the rollup comes near to the events themselves, and is not made. */
const MAX_VALUES = 1_000;
/** Bytes of the longest of them. */
const MAX_VALUE_BYTES = 1_000;

/** Starts (epoch ms) of the buckets `within` which a named property has more, or longer, values than a rollup holds. */
export async function overflowOf(warehouse: Warehouse, within: string, { property, dimensions, maxValues = MAX_VALUES }: RollupDefinition): Promise<number[]> {
  const [named] = dimensions;
  if (property === '' || named === undefined) return [];
  const { rows } = await warehouse.query<{ ms: number }>(
    `SELECT toUnixTimestamp64Milli(bucket) AS ms FROM (SELECT ${BUCKET_SQL} AS bucket, ${named.sql} AS value FROM events WHERE ${within})
     GROUP BY bucket HAVING uniqExact(value) > ${maxValues} OR max(length(value)) > ${MAX_VALUE_BYTES}`,
  );
  return rows.map(({ ms }) => ms);
}
