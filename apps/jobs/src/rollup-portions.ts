import { BUCKET_MS, literal, runsOf, withinRuns, type Mark, type Warehouse } from '@tidemark/warehouse';

/** Runs of neighbouring buckets in one statement: more would make its condition slow. */
const MAX_RUNS = 50;

export interface Portion {
  project: string;
  /** Of buckets, ascending; epoch ms. */
  starts: number[];
}

/** The marked buckets in portions of one project, of at most `maxEvents` events unless a single bucket has more. */
export async function portionsOf(warehouse: Warehouse, marks: readonly Mark[], maxEvents: number): Promise<Portion[]> {
  const starts = new Map<string, number[]>();
  for (const { project, startMs } of marks) starts.set(project, [...(starts.get(project) ?? []), startMs]);
  const portions: Portion[] = [];
  for (const [project, unordered] of starts) {
    const ordered = unordered.toSorted((a, b) => a - b);
    const events = await eventsOf(warehouse, project, ordered);
    let portion: Portion | undefined;
    let [held, runs] = [0, 0];
    for (const start of ordered) {
      const more = events.get(start) ?? 0;
      const isNeighbour = portion?.starts.at(-1) === start - BUCKET_MS;
      if (portion === undefined || held + more > maxEvents || (!isNeighbour && runs === MAX_RUNS)) {
        portions.push((portion = { project, starts: [] }));
        [held, runs] = [0, 0];
      }
      if (!isNeighbour || portion.starts.length === 0) runs++;
      portion.starts.push(start);
      held += more;
    }
  }
  return portions;
}

async function eventsOf(warehouse: Warehouse, project: string, starts: readonly number[]): Promise<Map<number, number>> {
  const runs = runsOf(starts);
  const counts = new Map<number, number>();
  for (let at = 0; at < runs.length; at += MAX_RUNS) {
    const { rows } = await warehouse.query<{ startMs: number; events: number }>(
      `SELECT toUnixTimestamp64Milli(time) - positiveModulo(toUnixTimestamp64Milli(time), ${BUCKET_MS}) AS startMs, count() AS events
       FROM events WHERE project = ${literal(project)} AND (${withinRuns(runs.slice(at, at + MAX_RUNS))}) GROUP BY startMs`,
    );
    for (const { startMs, events } of rows) counts.set(startMs, events);
  }
  return counts;
}
