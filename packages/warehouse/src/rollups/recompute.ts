import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { actorHashSql } from './actor.ts';
import { BUCKET_SQL, runsOf } from './bucket.ts';
import { withinRuns } from './marks.ts';
import { overflowOf } from './overflow.ts';

/** How a dimension is read of an event: as a question reads the property that it answers for. */
export interface RollupDimension {
  /** Column of `rollup_rows`. */
  column: string;
  /** Nullable(String) over a row of `events`. */
  sql: string;
}

/** What one rollup of a quarter of an hour keeps apart, beside the event's name, source and whether it is a bot's. */
export interface RollupDefinition {
  /** '' = the fixed dimensions; else the one that a project names, whose column is `value`. */
  property: string;
  dimensions: readonly RollupDimension[];
  /** Values of a named property that one bucket may have, MAX_VALUES unless told. */
  maxValues?: number;
}

/** A greater number than that of any version there is, whole or not. */
export async function nextVersion(warehouse: Warehouse): Promise<number> {
  const { rows } = await warehouse.query<{ next: number }>('SELECT greatest((SELECT max(version) FROM rollup_rows), (SELECT max(version) FROM rollup_buckets)) + 1 AS next');
  return rows[0]?.next ?? 1;
}

/**
 * Makes the rollups of some buckets of a project (ascending) anew from its events, as `version`, which counts once its last
 * row is written. Answers how many rows that took. Throws WarehouseError.
 */
export async function recompute(warehouse: Warehouse, project: string, starts: readonly number[], version: number, definitions: readonly RollupDefinition[]): Promise<number> {
  const within = `project = ${literal(project)} AND (${withinRuns(runsOf(starts))})`;
  const buckets: string[] = [];
  for (const definition of definitions) {
    const overflown = await overflowOf(warehouse, within, definition);
    await warehouse.command(insertCounts(project, version, definition, within, overflown));
    buckets.push(`SELECT ${literal(definition.property)} AS property, ms, ms IN (${[...overflown, -1].join(',')}) AS overflown FROM starts`);
  }
  await warehouse.command(
    `INSERT INTO rollup_buckets (project, property, time, version, counted, overflown, made_at)
     WITH starts AS (SELECT arrayJoin(CAST([${starts.join(',')}], 'Array(Int64)')) AS ms)
     SELECT ${literal(project)}, property, fromUnixTimestamp64Milli(ms, 'UTC'), ${version}, ${version}, overflown, now() FROM (${buckets.join(' UNION ALL ')})`,
  );
  const { rows } = await warehouse.query<{ rows: number }>(
    `SELECT count() AS rows FROM rollup_rows WHERE project = ${literal(project)} AND version = ${version} AND time >= ${timeLiteral(starts[0] ?? 0)} AND time <= ${timeLiteral(starts.at(-1) ?? 0)}`,
  );
  return rows[0]?.rows ?? 0;
}

function insertCounts(project: string, version: number, { property, dimensions }: RollupDefinition, within: string, overflown: readonly number[]): string {
  const columns = dimensions.map(({ column }) => column).join(', ');
  const read = dimensions.map(({ column }) => `d_${column}`).join(', ');
  const without = overflown.length === 0 ? '' : ` WHERE toUnixTimestamp64Milli(bucket) NOT IN (${overflown.join(',')})`;
  return `INSERT INTO rollup_rows (project, property, event_name, time, version, source, bot, ${columns}, events, actors)
     SELECT ${literal(project)}, ${literal(property)}, event_name, bucket, ${version}, source, bot, ${read}, count(), groupUniqArray(actor)
     FROM (
       SELECT event_name, ${BUCKET_SQL} AS bucket, source, bot, ${dimensions.map(({ column, sql }) => `${sql} AS d_${column}`).join(', ')},
         ${actorHashSql('user_id', 'anonymous_id')} AS actor
       FROM events WHERE ${within})${without}
     GROUP BY event_name, bucket, source, bot, ${read}`;
}
