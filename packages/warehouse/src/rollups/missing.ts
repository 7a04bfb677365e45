/** Rollups of named properties that are not there, or stand for fewer events than those of the fixed dimensions. */
import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';

export interface MissingSelection {
  project: string;
  property: string;
  /** Epoch ms; absent: from the beginning, without an end. */
  fromMs?: number | undefined;
  toMs?: number | undefined;
  /** Looks at versions up to it; absent: at all. */
  version?: number;
}

/** SELECT of `time` and `is_counted` (the events were, and had too many values): the quarters of an hour that a question by the property can't take from rollups. */
export function missingSql({ project, property, fromMs, toMs, version }: MissingSelection): string {
  const conditions = [
    `project = ${literal(project)}`, 'width = 900', `property IN ('', ${literal(property)})`,
    ...(fromMs === undefined ? [] : [`time >= ${timeLiteral(fromMs)}`]),
    ...(toMs === undefined ? [] : [`time < ${timeLiteral(toMs)}`]),
    ...(version === undefined ? [] : [`version <= ${version}`]),
  ];
  // Beside rows of '' there need not be any of the property: 0 is before every version.
  return `SELECT time, maxIf(counted, property != '') >= maxIf(counted, property = '') AS is_counted
    FROM rollup_buckets WHERE ${conditions.join(' AND ')}
    GROUP BY time HAVING NOT is_counted OR argMaxIf(overflown, version, property != '') = 1`;
}

/** Up to `limit` buckets of a project since a time whose rollup by the property is still to be made, the newest first; epoch ms. */
export async function missingBuckets(warehouse: Warehouse, selection: MissingSelection, limit: number): Promise<number[]> {
  const { rows } = await warehouse.query<{ ms: number }>(
    `SELECT toUnixTimestamp64Milli(time) AS ms FROM (${missingSql(selection)}) WHERE NOT is_counted ORDER BY time DESC LIMIT ${limit}`,
  );
  return rows.map(({ ms }) => ms);
}

export interface PropertyProgress {
  property: string;
  /** Quarters of an hour that are still to be counted by it. */
  missing: number;
  /** Those with too many values, which stay with the events. */
  overflown: number;
  /** About how long it takes at the pace of the last minutes; undefined when nothing was done in them. */
  secondsLeft: number | undefined;
}

const PACE_SECONDS = 300;

/** How far a property that a project has named is counted over its history since a time (epoch ms). Throws WarehouseError. */
export async function readProgress(warehouse: Warehouse, selection: MissingSelection): Promise<PropertyProgress> {
  const { project, property } = selection;
  const { rows } = await warehouse.query<{ missing: number; overflown: number; recent: number }>(
    `SELECT countIf(NOT is_counted) AS missing, countIf(is_counted) AS overflown,
       (SELECT uniqExact(time) FROM rollup_buckets WHERE project = ${literal(project)} AND property = ${literal(property)} AND width = 900 AND made_at > now() - ${PACE_SECONDS}) AS recent
     FROM (${missingSql(selection)})`,
  );
  const { missing, overflown, recent } = rows[0] ?? { missing: 0, overflown: 0, recent: 0 };
  const secondsLeft = missing === 0 ? 0 : recent === 0 ? undefined : Math.ceil((missing / recent) * PACE_SECONDS);
  return { property, missing, overflown, secondsLeft };
}
