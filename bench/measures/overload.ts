import type { LoadResult } from '../generate/load.ts';
import { allQueryable, type Ledger } from '../oracle/counts.ts';
import { CommitRate } from '../server/commit-rate.ts';
import { generate, OPEN_LOOP_CONNECTIONS } from '../server/generate.ts';
import type { Server } from '../server/server.ts';

export interface OfferedLoad {
  offeredEventsPerSecond: number;
  acceptedEventsPerSecond: number;
  /** What the stores took while the load lasted; undefined when the window was too short to see two commits. */
  storedEventsPerSecond: number | undefined;
  commits: number;
  /** Events answered 429 or 503, and events that were due and never got a connection, as shares of those due. */
  refusedShare: number;
  unsentShare: number;
  latency: LoadResult['latency'];
}

/** Offers so many events a second in an open loop, whatever the server makes of it, then counts what it has acknowledged. */
export async function offer(server: Server, ledger: Ledger, eventsPerSecond: number, seconds: number): Promise<OfferedLoad> {
  const commits = new CommitRate(server);
  const load = await generate(server.port, { seconds, eventsPerSecond, connections: OPEN_LOOP_CONNECTIONS }, [429, 503]);
  const rate = commits.stop();
  ledger.add(load);
  await allQueryable(server, ledger);
  const refused = Object.values(load.refused).reduce((sum, events) => sum + events, 0);
  const due = load.sent + load.unsent;
  return {
    offeredEventsPerSecond: eventsPerSecond,
    acceptedEventsPerSecond: load.eventsPerSecond,
    storedEventsPerSecond: rate.eventsPerSecond,
    commits: rate.commits,
    refusedShare: refused / due,
    unsentShare: load.unsent / due,
    latency: load.latency,
  };
}
