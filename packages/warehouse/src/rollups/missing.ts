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
