/** Large sets of actors as sketches, where the events have begun to expire: years of them are to take little room. */
import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';

/** The function that makes, merges (…Merge, …MergeState) and ends sketches: HyperLogLog of 4,096 registers, 3 KB at most. */
export const SKETCH = 'uniqCombined64';
export const SKETCH_PRECISION = 12;
/** Of the estimate, relative: 1.04 / sqrt(registers) (Flajolet et al., HyperLogLog, 2007). */
export const SKETCH_ERROR = 1.04 / Math.sqrt(2 ** SKETCH_PRECISION);
/** Sets of up to so many actors stay exact: they take hardly more room than a sketch. */
const MAX_EXACT = 512;

/** Rollups that are rewritten in one statement. */
const AT_A_TIME = 200;
const ROW = ['property', 'width', 'event_name', 'time', 'source', 'bot', 'country', 'device_type', 'channel', 'campaign_source', 'campaign_medium', 'campaign_name', 'value'].join(', ');

export interface Sketching {
  project: string;
  /** Rollups that end by then; epoch ms. */
  beforeMs: number;
  /** SELECT of `of_actor` and `of_person`, hashes: the persons of actors that don't tell them by themselves. */
  personsSql: string;
}

/**
 * Writes some of a project's rollups that have large sets anew, as `version`, with sketches of persons in the place of these.
 * Answers how many, 0 when none is left. What a kill leaves has no version that counts, and is found again. Throws WarehouseError.
 */
export async function sketchSome(warehouse: Warehouse, { project, beforeMs, personsSql }: Sketching, version: number): Promise<number> {
  const whose = `project = ${literal(project)} AND time < ${timeLiteral(beforeMs)}`;
  const newest = `SELECT property, width, time, max(version) FROM rollup_buckets WHERE ${whose} GROUP BY property, width, time`;
  const { rows } = await warehouse.query<{ property: string; width: number; ms: number; was: number }>(
    `SELECT DISTINCT property, width, toUnixTimestamp64Milli(time) AS ms, version AS was FROM rollup_rows
     WHERE ${whose} AND length(actors) > ${MAX_EXACT} AND ms + width * 1000 <= ${beforeMs} AND (property, width, time, version) IN (${newest}) LIMIT ${AT_A_TIME}`,
  );
  if (rows.length === 0) return 0;
  const chosen = rows.map(({ property, width, ms, was }) => `(${literal(property)}, ${width}, ${timeLiteral(ms)}, ${was})`).join(', ');
  const old = `${whose} AND (property, width, time, version) IN (${chosen})`;
  const state = `${SKETCH}State(${SKETCH_PRECISION})`;
  await warehouse.command(
    `INSERT INTO rollup_rows (project, version, ${ROW}, events, actors, sketch)
     SELECT ${literal(project)}, ${version}, ${ROW}, events, actors, sketch FROM rollup_rows WHERE ${old} AND length(actors) <= ${MAX_EXACT}
     UNION ALL
     SELECT ${literal(project)}, ${version}, ${ROW}, any(n), CAST([], 'Array(UInt64)'), ${SKETCH}MergeState(${SKETCH_PRECISION})(part) FROM (
       SELECT ${ROW}, n, ${state}(if(of_person != 0, of_person, actor)) AS part
       FROM (SELECT ${ROW}, events AS n, arrayJoin(actors) AS actor FROM rollup_rows WHERE ${old} AND length(actors) > ${MAX_EXACT}) AS large
       LEFT ANY JOIN (${personsSql}) AS identity ON actor = of_actor GROUP BY ${ROW}, n
       UNION ALL
       SELECT ${ROW}, events AS n, sketch AS part FROM rollup_rows WHERE ${old} AND length(actors) > ${MAX_EXACT})
     GROUP BY ${ROW}`,
  );
  await warehouse.command(
    `INSERT INTO rollup_buckets (project, property, width, time, version, counted, overflown, sketched, made_at)
     SELECT project, property, width, time, ${version}, counted, overflown, 1, now() FROM rollup_buckets WHERE ${old}`,
  );
  return rows.length;
}
