/** Buckets of several projects in one statement: each costs tens of milliseconds, however little it reads. */
import { literal, timeLiteral } from '../literal.ts';
import { runsOf, type Run } from './bucket.ts';

/** Starts of buckets, epoch ms, ascending, by project. */
export type BucketsOfProjects = ReadonlyMap<string, readonly number[]>;

export type RunsOfProjects = ReadonlyMap<string, readonly Run[]>;

/** SQL: is a row of `project` and `time` in one of the buckets? */
export function withinBuckets(buckets: BucketsOfProjects): string {
  return withinProjects(new Map([...buckets].map(([project, starts]) => [project, runsOf(starts)])));
}

/** SQL: is a row of `project` and `time` within one of the runs? */
export function withinProjects(runs: RunsOfProjects): string {
  return [...runs].map(([project, ofProject]) => `project = ${literal(project)} AND (${withinRuns(ofProject)})`).map((each) => `(${each})`).join(' OR ') || '0';
}

/** SQL: does `time` lie within one of the runs? */
export function withinRuns(runs: readonly Run[]): string {
  return runs.map(({ fromMs, toMs }) => `time >= ${timeLiteral(fromMs)} AND time < ${timeLiteral(toMs)}`).map((each) => `(${each})`).join(' OR ') || '0';
}

/** SELECT of `project` and `ms`, a row a bucket. */
export function bucketsSql(buckets: BucketsOfProjects): string {
  const entries = [...buckets].map(([project, starts]) => `(${literal(project)}, [${starts.join(',')}])`).join(', ');
  return `SELECT entry.1 AS project, arrayJoin(entry.2) AS ms FROM (SELECT arrayJoin(CAST([${entries}], 'Array(Tuple(String, Array(Int64)))')) AS entry)`;
}

/** SQL list of pairs of project and start (ms). */
export function bucketList(buckets: BucketsOfProjects): string {
  return `(${[...buckets].flatMap(([project, starts]) => starts.map((start) => `(${literal(project)}, ${start})`)).join(', ')})`;
}

/** The same buckets in pieces of at most so many. */
export function piecesOf(buckets: BucketsOfProjects, atMost: number): BucketsOfProjects[] {
  const pieces: Map<string, number[]>[] = [];
  let held = atMost;
  for (const [project, starts] of buckets) {
    for (let at = 0; at < starts.length; ) {
      if (held === atMost) [held] = [0, pieces.push(new Map())];
      const taken = starts.slice(at, at + atMost - held);
      pieces.at(-1)?.set(project, taken);
      [held, at] = [held + taken.length, at + taken.length];
    }
  }
  return pieces;
}
