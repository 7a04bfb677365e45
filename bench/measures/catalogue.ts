/**
 * What is measured, a line each: the name, how it is told, the floor that must be reached and the goal. `R` numbers are
 * those of the project's list; those that ask questions of a large warehouse are measured elsewhere.
 */
interface Entry {
  name: string;
  unit: string;
  better: 'higher' | 'lower';
  floor?: number;
  goal?: number;
}

export const CATALOGUE = {
  R1: { name: 'durable accepted events/s, against a bare `node:http` server that reads and parses', unit: 'ratio', better: 'higher', floor: 0.4, goal: 0.7 },
  R2: { name: 'accept rate with fsync, against without', unit: 'ratio', better: 'higher', floor: 0.7, goal: 0.95 },
  R3: { name: 'accept latency p99 at half load, open loop', unit: 'ms', better: 'lower', floor: 100, goal: 10 },
  R4: { name: 'events/s end to end with 50 M ids in the dedup store, against chDB INSERT JSONEachRow', unit: 'ratio', better: 'higher', floor: 0.2, goal: 0.65 },
  R6: { name: 'the typical question of each kind through the API, against the best SQL by hand; the worst kind', unit: 'ratio', better: 'lower', floor: 1.5, goal: 1.1 },
  sql: { name: "a statement of one's own through the API, against the same by hand over the lake's files, on one thread", unit: 'ratio', better: 'lower', floor: 1.5, goal: 1.1 },
  R7: { name: 'a funnel of 5 steps through the API, against uniqExact(person) over the same rows', unit: 'ratio', better: 'lower', floor: 4, goal: 1.5 },
  R8: { name: "p99 of the dashboard's questions under full ingest, against idle", unit: 'ratio', better: 'lower', floor: 4, goal: 1.5 },
  R8sql: { name: 'the same while SQL queries of somebody run without an end, as many as may at once, against idle', unit: 'ratio', better: 'lower', floor: 4, goal: 1.5 },
  R8kinds: { name: 'the typical question of each kind under full ingest, against idle: the slowest of two a round; the worst kind', unit: 'ratio', better: 'lower', floor: 4, goal: 1.5 },
  R9: { name: 'bytes on disk an event in the table `events`, against zstd -3 of the NDJSON', unit: 'ratio', better: 'lower', floor: 1, goal: 0.5 },
  R9b: { name: 'the same, all lasting copies: tables, ids and lake', unit: 'ratio', better: 'lower' },
  R10: { name: 'timeline p99 through the API, last 100 events', unit: 'ms', better: 'lower', floor: 10, goal: 4 },
  R11a: { name: 'restart after kill -9 with 1 GB of unprocessed log: to the first ack', unit: 's', better: 'lower', floor: 10, goal: 2 },
  R11b: { name: 'the same: catching up, against live speed', unit: 'ratio', better: 'higher', floor: 1, goal: 2 },
  R12: { name: '20 % duplicates drawn from the whole window, against none; count error 0', unit: 'ratio', better: 'higher', floor: 0.8, goal: 0.95 },
  R13: { name: 'stored events/s at 3 times the sustainable load, against the peak', unit: 'ratio', better: 'higher', floor: 0.8, goal: 0.97 },
  R14: { name: 'freshness p99 at half load, sent to counted', unit: 's', better: 'lower', floor: 10, goal: 2 },
  R15: { name: 'acknowledged events lost over kill -9 and a full disk', unit: 'events', better: 'lower', floor: 0, goal: 0 },
  sessions: { name: 'the sessions of a day of 5 M events, against one plain scan by ids', unit: 'ratio', better: 'lower', floor: 6 },
  identity: { name: 'its persons, 100,000 devices of users among them, against a count of raw ids', unit: 'ratio', better: 'lower', floor: 2 },
  rollups: { name: 'the rollups of 96 dirty quarters of an hour of 5 M events, against one plain scan by quarter', unit: 'ratio', better: 'lower', floor: 40 },
  links: { name: 'persons counted after one more merge and alias, 100,000 links by HTTP, against a count of raw ids', unit: 'ratio', better: 'lower', floor: 30 },
  jobs: { name: 'events/s counted at half load while all jobs run, against none', unit: 'ratio', better: 'higher', floor: 0.9 },
  rebuild: { name: 'all tables made again from the lake, against one plain scan of them', unit: 'ratio', better: 'lower', floor: 40 },
  memory: { name: 'anonymous memory of all processes at full load', unit: 'MiB', better: 'lower', floor: 1_430 },
  caps: { name: 'anonymous memory of all processes while the heaviest questions are asked', unit: 'MiB', better: 'lower', floor: 1_430 },
  growth: { name: 'the slowest of the typical questions as the store grows', unit: 'ms', better: 'lower' },
  curve: { name: 'most events/s stored while a load lasts', unit: 'events/s', better: 'higher' },
  profile: { name: 'CPU an event with the profiler on', unit: 'us', better: 'lower' },
  door: { name: 'durable accepted events/s, against another checkout', unit: 'ratio', better: 'higher' },
  ab: { name: 'events/s end to end, against another checkout', unit: 'ratio', better: 'higher' },
} as const satisfies Record<string, Entry>;

export type MeasureId = keyof typeof CATALOGUE;

/** The part of a result that does not depend on the run. */
export function entry(id: MeasureId): { id: MeasureId } & Omit<Entry, 'name'> {
  const { name: _, ...rest }: Entry = CATALOGUE[id];
  return { id, ...rest };
}
