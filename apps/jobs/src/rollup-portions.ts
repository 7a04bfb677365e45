import { BUCKET_MS, withinBuckets, type BucketsOfProjects, type Mark, type RollupDefinition, type Warehouse } from '@tidemark/warehouse';

/** Runs of neighbouring buckets in one statement: more would make its condition slow. */
const MAX_RUNS = 50;

/** What one statement makes rollups of: of as many projects as can be, for what it costs hardly depends on how little it reads. */
export interface Portion {
  buckets: BucketsOfProjects;
  /** Of all its projects. */
  definitions: readonly RollupDefinition[];
}

export interface PortionLimits {
  definitionsOf(project: string): Promise<readonly RollupDefinition[]>;
  /** Of a portion, unless a single bucket has more. */
  maxEvents: number;
}

/** Marked buckets, each once, in portions of projects that have the same rollups. */
export async function portionsOf(warehouse: Warehouse, marks: readonly Mark[], { definitionsOf, maxEvents }: PortionLimits): Promise<Portion[]> {
  const alike = new Map<string, { definitions: readonly RollupDefinition[]; buckets: Map<string, number[]> }>();
  for (const [project, starts] of bucketsOf(marks)) {
    const definitions = await definitionsOf(project);
    const key = JSON.stringify(definitions);
    const same = alike.get(key) ?? { definitions, buckets: new Map() };
    same.buckets.set(project, starts);
    alike.set(key, same);
  }
  const portions: Portion[] = [];
  for (const { definitions, buckets } of alike.values()) {
    for (const whole of cut(buckets, MAX_RUNS)) {
      const events = await eventsOf(warehouse, whole);
      const weight = (project: string, start: number): number => events.get(`${start} ${project}`) ?? 0;
      for (const part of cut(whole, MAX_RUNS, { maxEvents, weight })) portions.push({ buckets: part, definitions });
    }
  }
  return portions;
}

/** Starts of the buckets, ascending, by project. */
export function bucketsOf(marks: readonly Mark[]): Map<string, number[]> {
  const buckets = new Map<string, number[]>();
  for (const { project, startMs } of marks.toSorted((a, b) => a.startMs - b.startMs)) {
    const starts = buckets.get(project);
    if (starts === undefined) buckets.set(project, [startMs]);
    else starts.push(startMs);
  }
  return buckets;
}

/** Pieces of at most so many runs, and of at most so many events. */
function cut(buckets: BucketsOfProjects, maxRuns: number, { maxEvents, weight }: { maxEvents: number; weight: (project: string, start: number) => number } = { maxEvents: 0, weight: () => 0 }): Map<string, number[]>[] {
  const pieces: Map<string, number[]>[] = [];
  let piece: Map<string, number[]> | undefined;
  let [held, runs] = [0, 0];
  for (const [project, starts] of buckets) {
    for (const start of starts) {
      const more = weight(project, start);
      const isNeighbour = piece?.get(project)?.at(-1) === start - BUCKET_MS;
      if (piece === undefined || held + more > maxEvents || (!isNeighbour && runs === maxRuns)) {
        pieces.push((piece = new Map()));
        [held, runs] = [0, 0];
      }
      const ofProject = piece.get(project);
      if (ofProject === undefined) piece.set(project, [start]);
      else ofProject.push(start);
      if (!isNeighbour || ofProject === undefined) runs++;
      held += more;
    }
  }
  return pieces;
}

/** How many events each bucket has, by `start project`. */
async function eventsOf(warehouse: Warehouse, buckets: BucketsOfProjects): Promise<Map<string, number>> {
  const { rows } = await warehouse.query<{ project: string; startMs: number; events: number }>(
    `SELECT project, toUnixTimestamp64Milli(time) - positiveModulo(toUnixTimestamp64Milli(time), ${BUCKET_MS}) AS startMs, count() AS events
     FROM events WHERE ${withinBuckets(buckets)} GROUP BY project, startMs`,
  );
  return new Map(rows.map(({ project, startMs, events }) => [`${startMs} ${project}`, events]));
}
