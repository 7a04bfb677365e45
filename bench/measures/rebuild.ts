import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { knob } from '../options.ts';
import { WrongCount } from '../oracle/counts.ts';
import { lakeRows } from '../oracle/lake-rows.ts';
import { askInTurns } from '../prepare/ask-in-turns.ts';
import { lakeHistory } from '../prepare/lake-history.ts';
import { spread, type Measure } from '../report/measure.ts';
import { MemorySampler } from '../resources/memory.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

const OWN_EVENTS = 10_000_000;
/** As many as `npm run bench -- own` has time for. */
const FEW_EVENTS = 1_000_000;
/** What a plain scan and aggregate of the same rows is taken to be: every row is read, in four columns. */
const SCAN = 'SELECT count() AS rows, uniqExact(event_id) AS ids, sum(length(context)) AS bytes, max(time) AS last FROM events';

const MERGED_WITHIN_MS = 60_000;

interface Rebuild {
  state: 'none' | 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: string | null;
  endedAt: string | null;
  /** Copied; more where files were joined meanwhile. */
  rows: number;
  error: unknown;
}

/**
 * How long `tidemark rebuild` takes for everything, on a server without load, against one plain scan of the table that it makes. The
 * first round finds the tables empty.
 */
async function rebuild(ownEvents: number): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 2);
  const events = knob('TIDEMARK_BENCH_EVENTS', ownEvents);
  const dataPath = newFolder();
  await lakeHistory(dataPath, events);
  const server = await Server.start({ dataPath });
  const tookMs: number[] = [];
  const mergedUs: number[] = [];
  const restMiB: number[] = [];
  const mostMiB: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    restMiB.push(new MemorySampler(() => server.processes()).stop().maxMiB);
    const memory = new MemorySampler(() => server.processes(), 200);
    await server.api.ask<Rebuild>('/api/rebuild', {});
    tookMs.push(await ended(server, events));
    mostMiB.push(memory.stop().maxMiB);
    mergedUs.push((await quiet(server.processes(), MERGED_WITHIN_MS)) / events);
  }
  await expectRows(server, events);
  await server.stop();
  const asked = await askInTurns({ warehousePath: join(dataPath, 'warehouse'), project: 'none', kind: 'trend', question: { series: [{}], range: 'today' }, plain: SCAN, second: SCAN, rounds: 3 });
  removeFolder(dataPath);
  const [{ rows, ids }] = asked.second as [{ rows: number; ids: number }];
  if (Number(rows) !== events || Number(ids) !== events) throw new WrongCount([`rows and ids of the table events: ${rows}, ${ids}, should be ${events}`]);
  const scanMs = spread(asked.plainMs);
  const took = spread(tookMs);
  return [
    {
      ...entry('rebuild'),
      what: `time to make all tables again from the lake, ${events.toLocaleString('en')} events, against one plain scan of the events`,
      value: spread(tookMs.map((ms) => ms / scanMs.median)),
      ...(events < OWN_EVENTS && { reduced: [`${events.toLocaleString('en')} events instead of ${OWN_EVENTS.toLocaleString('en')}`] }),
      notes: [
        `merges and jobs behind it: ${spread(mergedUs).median.toFixed(1)} us of CPU an event`,
        `anonymous memory of all processes: ${spread(restMiB).median.toFixed(0)} MiB before it, ${spread(mostMiB).max.toFixed(0)} at most`,
      ],
      details: { events, tookMs: took, scanMs, restMiB: spread(restMiB), mostMiB: spread(mostMiB), eventsPerSecond: events / (took.median / 1000), cpuUsAnEventBehindIt: spread(mergedUs) },
    },
  ];
}

export const rebuildOfAll = (): Promise<Measure[]> => rebuild(OWN_EVENTS);
export const rebuildOfFewer = (): Promise<Measure[]> => rebuild(FEW_EVENTS);

async function expectRows(server: Server, events: number): Promise<void> {
  const { disk } = await server.api.pipeline();
  const held = [...['events', 'timeline', 'event_ids'].map((table) => disk.tables.find((each) => each.table === table)?.rows), lakeRows(server.dataPath)];
  if (held.some((rows) => rows !== events)) throw new WrongCount([`rows of events, timeline, event_ids and the lake: ${held.join(', ')}, each should be ${events}`]);
}

/** Ms from its begin to its end, by the server's own clock. Throws when it copied less than there is. */
async function ended(server: Server, events: number): Promise<number> {
  for (;;) {
    const { state, startedAt, endedAt, rows, error } = await server.api.ask<Rebuild>('/api/rebuild');
    if (state === 'done' && rows < events) throw new WrongCount([`events that the rebuild copied: ${rows}, should be ${events}`]);
    if (state === 'done') return Date.parse(endedAt!) - Date.parse(startedAt!);
    if (state !== 'running') throw new Error(`the rebuild ended as ${state}: ${JSON.stringify(error)}`);
    await delay(200);
  }
}
