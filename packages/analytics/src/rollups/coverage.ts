/** Which part of a range a question takes from rollups. */
import { BUCKET_MS, bucketStart, lineSql, literal, missingSql, nextBorder, staleSql, timeLiteral, type Run } from '@tidemark/warehouse';
import type { TimeRange } from '../time/range.ts';
import { byWidth, usefulWidths, type SpanRuns } from './spans.ts';

export interface Coverage {
  /** Whose rows: '' those by the fixed dimensions, else by this property. */
  property: string;
  /** Ascending, without neighbours; all else of the range is read of the events. */
  runs: readonly Run[];
  /** The same, by the width of the rollups that they are taken from. */
  spans: readonly SpanRuns[];
  /** Versions up to it are whole; later ones may come while the question runs. */
  version: number;
  /** Epoch ms: what of it lies before is frozen, as its events have begun to expire; -Infinity when none has. */
  frozenMs: number;
  /** Of some of what is frozen, large sets of actors are only there as sketches. */
  isSketched: boolean;
}

/** Epoch ms; -Infinity where there is none yet. */
export interface RollupLines {
  /** Before it every bucket has its rollup, or a mark. */
  sealedMs: number;
  /** Before it the project's events have begun to expire. */
  frozenMs: number;
}

export interface CoverageOrder {
  range: TimeRange;
  /** Borders of the points. */
  starts: readonly number[];
  lines: RollupLines;
}

type Query = <Row>(sql: string) => Promise<Row[]>;

/** A statement has each run twice in its conditions. The rest is read of the events. */
const MAX_RUNS = 50;
const MAX_LEFT_OUT = 20_000;

export async function readRollupLines(project: string, query: Query): Promise<RollupLines> {
  const lines = await query<{ line: string; ms: number }>(`SELECT 'sealed' AS line, ms FROM (${lineSql('sealed')}) UNION ALL SELECT 'frozen', ms FROM (${lineSql('frozen', project)})`);
  const lineOf = (name: string): number => lines.find(({ line }) => line === name)?.ms ?? -Infinity;
  return { sealedMs: lineOf('sealed'), frozenMs: lineOf('frozen') };
}

/**
 * The sealed and clean buckets that lie whole within a range and between the borders of its points (`starts`), and frozen
 * ones; undefined when there are none. The order of the looks matters, the lines first: a bucket is marked before the line
 * passes it, and its version is there before the mark is gone.
 */
export async function coverageOf(whose: { project: string; property: string }, { range, starts, lines: { sealedMs, frozenMs } }: CoverageOrder, query: Query): Promise<Coverage | undefined> {
  const { project, property } = whose;
  if (starts.slice(1).some((start) => start % BUCKET_MS !== 0)) return undefined;
  const first = nextBorder(range.fromMs);
  if (first >= bucketStart(range.toMs)) return undefined;
  const end = Math.min(bucketStart(range.toMs), sealedMs);
  if (first >= end) return undefined;
  // What is frozen is marked in vain: there is nothing better than its rollup.
  const clean = Math.min(Math.max(first, frozenMs), end);
  const leftOut = await query<{ ms: number }>(
    `SELECT toUnixTimestamp64Milli(time) AS ms FROM rollup_marks WHERE project = ${literal(project)} AND time >= ${timeLiteral(clean)} AND time < ${timeLiteral(end)} GROUP BY time LIMIT ${MAX_LEFT_OUT}`,
  );
  if (leftOut.length === MAX_LEFT_OUT) return undefined;
  const [newest] = await query<{ version: number; properties: string[] }>(
    `SELECT max(version) AS version, groupUniqArray(toString(property)) AS properties FROM rollup_buckets WHERE project = ${literal(project)}`,
  );
  const { version, properties } = newest ?? { version: 0, properties: [] };
  if (property !== '') {
    if (!properties.includes(property)) return undefined;
    const sql = missingSql({ ...whose, fromMs: first, toMs: end, version });
    const missing = await query<{ ms: number }>(`SELECT toUnixTimestamp64Milli(time) AS ms FROM (${sql}) LIMIT ${MAX_LEFT_OUT}`);
    if (missing.length === MAX_LEFT_OUT) return undefined;
    leftOut.push(...missing);
  }
  const runs = between(first, end, leftOut.map(({ ms }) => ms), frozenMs);
  const [run] = runs;
  if (run === undefined) return undefined;
  const sketched = run.fromMs >= frozenMs ? [] : await query(
    `SELECT 1 FROM rollup_buckets WHERE project = ${literal(project)} AND property = ${literal(property)} AND sketched AND time >= ${timeLiteral(first)} AND time < ${timeLiteral(Math.min(frozenMs, end))} AND version <= ${version} LIMIT 1`,
  );
  const spans = byWidth(runs, starts, ...(await coarserOf({ ...whose, fromMs: first, toMs: end, version }, starts, query)));
  return { property, runs, spans, version, frozenMs, isSketched: sketched.length > 0 };
}

/** Widths of coarser rollups that may serve the points, and of which spans there are none that are up to date. */
async function coarserOf(which: Parameters<typeof staleSql>[0], starts: readonly number[], query: Query): Promise<[widths: number[], isStale: (widthMs: number, startMs: number) => boolean]> {
  const widths = usefulWidths(which.fromMs, which.toMs, starts);
  if (widths.length === 0) return [[], () => true];
  const rows = await query<{ w: number; span: number }>(`SELECT w, span FROM (${staleSql(which)}) LIMIT ${MAX_LEFT_OUT}`);
  if (rows.length === MAX_LEFT_OUT) return [[], () => true];
  const stale = new Set(rows.map(({ w, span }) => `${Number(w) * 1_000} ${span}`));
  return [widths, (widthMs, startMs) => stale.has(`${widthMs} ${startMs}`)];
}

/** The longest runs of [first, end) without the buckets that are left out, and what is frozen in any case. */
function between(first: number, end: number, leftOut: readonly number[], frozenMs: number): Run[] {
  const runs: Run[] = [];
  let fromMs = first;
  for (const toMs of [...leftOut.toSorted((a, b) => a - b), end]) {
    if (fromMs < toMs) runs.push({ fromMs, toMs });
    fromMs = toMs + BUCKET_MS;
  }
  if (runs.length <= MAX_RUNS) return runs;
  const weight = ({ fromMs: from, toMs: to }: Run): number => (from < frozenMs ? Infinity : to - from);
  const longest = runs.toSorted((a, b) => weight(b) - weight(a)).slice(0, MAX_RUNS);
  return longest.toSorted((a, b) => a.fromMs - b.fromMs);
}
