import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { actorHashSql } from './actor.ts';
import { BUCKET_SQL, runsOf } from './bucket.ts';
import { withinRuns } from './marks.ts';

/** How a dimension is read of an event: as a question reads the property that it answers for. */
export interface RollupDimension {
  /** Column of `rollups`. */
  column: string;
  /** Nullable(String) over a row of `events`. */
  sql: string;
}

/** A greater number than that of any version there is, whole or not. */
export async function nextVersion(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ next: number }>('SELECT greatest((SELECT max(version) FROM rollups), (SELECT max(version) FROM rollup_buckets)) + 1 AS next');
  return rows[0]?.next ?? 1;
}

/**
 * Makes the rollups of some buckets of a project (ascending) anew from its events, as `version`, which counts once its last
 * row is written. Answers how many rows that took. Throws WarehouseError.
 */
export async function recompute(warehouse: Warehouse, project: string, starts: readonly number[], version: number, dimensions: readonly RollupDimension[]): Promise<number> {
  const whose = `project = ${literal(project)}`;
  const names = dimensions.map(({ column }) => column);
  await warehouse.command(
    `INSERT INTO rollups (project, event_name, time, version, source, bot, ${names.join(', ')}, events, actors)
     SELECT ${literal(project)}, event_name, bucket, ${version}, source, bot, ${names.map((name) => `d_${name}`).join(', ')}, count(), groupUniqArray(actor)
     FROM (
       SELECT event_name, ${BUCKET_SQL} AS bucket, source, bot, ${dimensions.map(({ column, sql }) => `${sql} AS d_${column}`).join(', ')},
         ${actorHashSql('user_id', 'anonymous_id')} AS actor
       FROM events WHERE ${whose} AND (${withinRuns(runsOf(starts))}))
     GROUP BY event_name, bucket, source, bot, ${names.map((name) => `d_${name}`).join(', ')}`,
  );
  await warehouse.command(
    `INSERT INTO rollup_buckets (project, time, version, made_at)
     SELECT ${literal(project)}, fromUnixTimestamp64Milli(arrayJoin(CAST([${starts.join(',')}], 'Array(Int64)')), 'UTC'), ${version}, now()`,
  );
  const { rows } = await warehouse.query<{ rows: number }>(`SELECT count() AS rows FROM rollups WHERE ${whose} AND version = ${version} AND time >= ${timeLiteral(starts[0] ?? 0)} AND time <= ${timeLiteral(starts.at(-1) ?? 0)}`);
  return rows[0]?.rows ?? 0;
}

/** A question that has looked up the newest version may still be reading it. */
const SUPERSEDED_MINUTES = 15;

/**
 * Deletes rows of versions that a newer one replaced a while ago, and those that a kill left unfinished, when there are more
 * than `few`. Answers how many there were. Not to be called while a recompute is under way. Throws WarehouseError.
 */
export async function deleteSuperseded(warehouse: Warehouse, few: number): Promise<number> {
  const settled = `FROM rollup_buckets WHERE made_at < now() - INTERVAL ${SUPERSEDED_MINUTES} MINUTE`;
  const recent = `FROM rollup_buckets WHERE made_at >= now() - INTERVAL ${SUPERSEDED_MINUTES} MINUTE`;
  const superseded = `(project, time) IN (SELECT project, time ${settled})
    AND (project, time, version) NOT IN (SELECT project, time, max(version) ${settled} GROUP BY project, time)
    AND (project, time, version) NOT IN (SELECT project, time, version ${recent})`;
  const { rows } = await warehouse.query<{ superseded: number }>(`SELECT count() AS superseded FROM rollups WHERE ${superseded}`);
  const count = rows[0]?.superseded ?? 0;
  if (count <= few) return 0;
  for (const table of ['rollups', 'rollup_buckets']) await warehouse.command(`DELETE FROM ${table} WHERE ${superseded}`);
  return count;
}
