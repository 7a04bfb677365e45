import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { knob } from '../options.ts';
import { checkStores, Ledger, WrongCount } from '../oracle/counts.ts';
import { askInTurns } from '../prepare/ask-in-turns.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const OWN_EVENTS = 1_000_000;
/** What a plain scan and aggregate of the same rows is taken to be: every row is read, in four columns. */
const SCAN = 'SELECT count() AS rows, uniqExact(event_id) AS ids, sum(length(context)) AS bytes, max(time) AS last FROM events';

interface Rebuild {
  state: 'none' | 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: string | null;
  endedAt: string | null;
  error: unknown;
}

/** How long `tidemark rebuild` takes for everything, on a server without load, against one plain scan of the table that it makes. */
export async function rebuild(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 2);
  const dataPath = newFolder();
  const server = await Server.start({ dataPath });
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: 600, events: knob('TIDEMARK_BENCH_EVENTS', OWN_EVENTS), varied: true });
  const tookMs: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    await server.api.ask<Rebuild>('/api/rebuild', {});
    tookMs.push(await ended(server));
  }
  await checkStores(server, ledger);
  await server.stop();
  const asked = await askInTurns({ warehousePath: join(dataPath, 'warehouse'), project: 'none', kind: 'trend', question: { series: [{}], range: 'today' }, plain: SCAN, second: SCAN, rounds: 3 });
  removeFolder(dataPath);
  const { rows } = asked.second[0] as { rows: number };
  if (Number(rows) !== ledger.unique) throw new WrongCount([`rows of the table events: ${rows}, should be ${ledger.unique}`]);
  const scanMs = spread(asked.plainMs);
  const took = spread(tookMs);
  return [
    {
      ...entry('rebuild'),
      what: `time to make all tables again from the lake, ${ledger.unique.toLocaleString('en')} events, against one plain scan of the events`,
      value: spread(tookMs.map((ms) => ms / scanMs.median)),
      details: { events: ledger.unique, tookMs: took, scanMs, eventsPerSecond: ledger.unique / (took.median / 1000) },
    },
  ];
}

/** Ms from its begin to its end, by the server's own clock. */
async function ended(server: Server): Promise<number> {
  for (;;) {
    const { state, startedAt, endedAt, error } = await server.api.ask<Rebuild>('/api/rebuild');
    if (state === 'done') return Date.parse(endedAt!) - Date.parse(startedAt!);
    if (state !== 'running') throw new Error(`the rebuild ended as ${state}: ${JSON.stringify(error)}`);
    await delay(200);
  }
}
