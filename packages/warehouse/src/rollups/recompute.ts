import { literal } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { actorHashSql } from './actor.ts';
import { BUCKET_SQL } from './bucket.ts';
import { bucketList, bucketsSql, withinBuckets, type BucketsOfProjects } from './buckets-of-projects.ts';
import { overflowOf } from './overflow.ts';
import type { RollupDefinition } from './definition.ts';

/** A greater number than that of any version there is, whole or not. */
export async function nextVersion(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ next: number }>('SELECT greatest((SELECT max(version) FROM rollup_rows), (SELECT max(version) FROM rollup_buckets)) + 1 AS next');
  return rows[0]?.next ?? 1;
}

/**
 * Makes the rollups of some buckets anew from their events, as `version`, which counts once its last row is written. Answers
 * how many rows that took. Throws WarehouseError.
 */
export async function recompute(warehouse: Warehouse, buckets: BucketsOfProjects, version: number, definitions: readonly RollupDefinition[]): Promise<number> {
  const within = withinBuckets(buckets);
  const counted: string[] = [];
  for (const definition of definitions) {
    const overflown = await overflowOf(warehouse, within, definition);
    const isOverflown = overflown.size === 0 ? undefined : `(project, ms) IN ${bucketList(overflown)}`;
    await warehouse.command(insertCounts(version, definition, within, isOverflown));
    counted.push(`SELECT project, ${literal(definition.property)} AS property, ms, ${isOverflown ?? '0'} AS overflown FROM starts`);
  }
  await warehouse.command(
    `INSERT INTO rollup_buckets (project, property, time, version, counted, overflown, made_at)
     WITH starts AS (${bucketsSql(buckets)})
     SELECT project, property, fromUnixTimestamp64Milli(ms, 'UTC'), ${version}, ${version}, overflown, now() FROM (${counted.join(' UNION ALL ')})`,
  );
  const { rows } = await warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM rollup_rows WHERE version = ${version} AND (${within})`);
  return rows[0]?.rows ?? 0;
}

function insertCounts(version: number, { property, dimensions }: RollupDefinition, within: string, isOverflown: string | undefined): string {
  const columns = dimensions.map(({ column }) => column).join(', ');
  const read = dimensions.map(({ column }) => `d_${column}`).join(', ');
  const without = isOverflown === undefined ? '' : ` WHERE NOT (${isOverflown})`;
  return `INSERT INTO rollup_rows (project, property, event_name, time, version, source, bot, ${columns}, events, actors)
     SELECT project, ${literal(property)}, event_name, bucket, ${version}, source, bot, ${read}, count(), groupUniqArray(actor)
     FROM (
       SELECT project, event_name, ${BUCKET_SQL} AS bucket, toUnixTimestamp64Milli(bucket) AS ms, source, bot, ${dimensions.map(({ column, sql }) => `${sql} AS d_${column}`).join(', ')},
         ${actorHashSql('user_id', 'anonymous_id')} AS actor
       FROM events WHERE ${within})${without}
     GROUP BY project, event_name, bucket, source, bot, ${read}`;
}
