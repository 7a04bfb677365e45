import { allQueryable, type Ledger } from '../oracle/counts.ts';
import type { LoadResult } from '../generate/load.ts';
import { generate, type Load } from '../server/generate.ts';
import type { Server } from '../server/server.ts';

export interface EndToEnd {
  /** Events received, from when the first was due until a question counted all of them. */
  eventsPerSecond: number;
  /** How long the stores needed after the last answer. */
  drainSeconds: number;
  load: LoadResult;
}

/** One round of load, counted at the end by a question: every accepted event once, and no other. */
export async function endToEnd(server: Server, ledger: Ledger, load: Load): Promise<EndToEnd> {
  const result = await generate(server.port, load);
  ledger.add(result);
  const queryableAtMs = await allQueryable(server, ledger);
  return {
    eventsPerSecond: result.accepted / ((queryableAtMs - result.startedAtMs) / 1000),
    drainSeconds: (queryableAtMs - result.endedAtMs) / 1000,
    load: result,
  };
}
