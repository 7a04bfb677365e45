/** Rollups of hours and days (UTC), made of those of quarters of an hour, never of events: so they are exactly what these sum up to. */
import { literal, timeLiteral } from '../literal.ts';
import type { Warehouse } from '../warehouse.ts';
import { BUCKET_MS } from './bucket.ts';
import { withinProjects, type RunsOfProjects } from './buckets-of-projects.ts';
import { SKETCH, SKETCH_PRECISION } from './sketch.ts';

/** The widest first. */
export const COARSER_MS: readonly number[] = [86_400_000, 3_600_000];
const QUARTER = BUCKET_MS / 1_000;

const KEY = 'event_name, source, bot, country, device_type, channel, campaign_source, campaign_medium, campaign_name, value';

export interface CoarseSpan {
  project: string;
  property: string;
  /** Seconds. */
  width: number;
  /** Epoch ms. */
  ms: number;
}

/** SQL of the start (ms) of the span of `width` seconds, a name or a number, that holds `time`. */
function spanSql(width: string | number): string {
  return `(toUnixTimestamp64Milli(time) - positiveModulo(toUnixTimestamp64Milli(time), ${width} * 1000))`;
}

/** SELECT of `w` (seconds) and `span` (ms) within [fromMs, toMs) whose coarser rollup is not there, or counts other events than its quarters. */
export function staleSql({ project, property, fromMs, toMs, version }: { project: string; property: string; fromMs: number; toMs: number; version: number }): string {
  const widths = COARSER_MS.map((ms) => ms / 1_000).join(', ');
  return `SELECT w, span FROM (
      SELECT arrayJoin(if(width = ${QUARTER}, [${widths}], [width])) AS w, ${spanSql('w')} AS span, width, counted FROM rollup_buckets
      WHERE project = ${literal(project)} AND property = ${literal(property)} AND time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)} AND version <= ${version})
    GROUP BY w, span HAVING maxIf(counted, width = ${QUARTER}) > maxIf(counted, width != ${QUARTER})`;
}

/** Spans of projects, over by a time, of which all quarters are clean, and whose coarser rollup is to be made (again); the newest first. */
export async function spansToCoarsen(warehouse: Warehouse, projects: readonly string[], beforeMs: number, limit: number): Promise<CoarseSpan[]> {
  const whose = `project IN (${projects.map(literal).join(', ')}) AND time < ${timeLiteral(beforeMs)}`;
  const widths = `arrayJoin([${COARSER_MS.map((ms) => ms / 1_000).join(', ')}]) AS w, ${spanSql('w')} AS span`;
  const { rows } = await warehouse.query<CoarseSpan>(
    `WITH quarters AS (SELECT project, toString(property) AS p, time, max(counted) AS c, argMax(overflown, version) AS o FROM rollup_buckets WHERE ${whose} AND width = ${QUARTER} GROUP BY project, property, time),
       fixed AS (SELECT project, time, c AS b FROM quarters WHERE p = '')
     SELECT project, p AS property, w AS width, span AS ms FROM (
       SELECT project, p, w, span, max(c) AS newest, countIf(o = 0 AND c >= b) AS fresh FROM (SELECT project, p, time, c, o, b, ${widths} FROM quarters INNER JOIN fixed USING (project, time)) GROUP BY project, p, w, span) AS made
     INNER JOIN (SELECT project, w, span, count() AS wanted FROM (SELECT project, ${widths} FROM fixed) GROUP BY project, w, span) AS whole USING (project, w, span)
     LEFT JOIN (SELECT project, toString(property) AS p, toInt64(width) AS w, toUnixTimestamp64Milli(time) AS span, max(counted) AS known FROM rollup_buckets WHERE ${whose} AND width != ${QUARTER} GROUP BY project, p, w, span) AS coarse USING (project, p, w, span)
     WHERE fresh = wanted AND known < newest AND span + w * 1000 <= ${beforeMs}
       AND (project, w, span) NOT IN (SELECT project, w, span FROM (SELECT project, ${widths} FROM rollup_marks WHERE ${whose}))
     ORDER BY span DESC, w, p, project LIMIT ${limit}`,
  );
  return rows.map(({ project, property, width, ms }) => ({ project, property, width: Number(width), ms: Number(ms) }));
}

/** Makes coarser rollups of one property and width, as `version`. Not to be called while quarters are recomputed. Throws WarehouseError. */
export async function coarsen(warehouse: Warehouse, { property, width, runs }: { property: string; width: number; runs: RunsOfProjects }, version: number): Promise<void> {
  const quarters = `property = ${literal(property)} AND width = ${QUARTER} AND (${withinProjects(runs)})`;
  const span = `fromUnixTimestamp64Milli(${spanSql(width)}, 'UTC')`;
  await warehouse.command(
    `INSERT INTO rollup_rows (project, property, width, time, version, ${KEY}, events, actors, sketch)
     SELECT project, ${literal(property)}, ${width}, ${span} AS span, ${version}, ${KEY}, sum(events), groupUniqArrayArray(actors), ${SKETCH}MergeState(${SKETCH_PRECISION})(sketch)
     FROM rollup_rows WHERE ${quarters} AND (project, time, version) IN (SELECT project, time, max(version) FROM rollup_buckets WHERE ${quarters} GROUP BY project, time)
     GROUP BY project, span, ${KEY}`,
  );
  await warehouse.command(
    `INSERT INTO rollup_buckets (project, property, width, time, version, counted, sketched, made_at)
     SELECT project, ${literal(property)}, ${width}, ${span} AS span, ${version}, max(newest), max(is_sketched), now()
     FROM (SELECT project, time, max(counted) AS newest, argMax(sketched, version) AS is_sketched FROM rollup_buckets WHERE ${quarters} GROUP BY project, time) GROUP BY project, span`,
  );
}
