import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { knob } from '../options.ts';
import { Ledger, WrongCount } from '../oracle/counts.ts';
import { DAY, insertDay } from '../prepare/day-of-events.ts';
import { runSql } from '../prepare/sql.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { OPEN_LOOP_CONNECTIONS } from '../server/generate.ts';
import { sendAll } from '../server/send-all.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { endToEnd, type EndToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const OWN_HISTORY = 1_000_000;
const QUARTERS = 96;
const QUARTER_MS = 900_000;
/** Nothing runs unless it is asked for. */
const NEVER_MS = 86_400_000;

/**
 * Half of what the server sustains, over a store with history: windows in which every job runs again and again, all quarters
 * of a past day being made dirty each time, in turns with windows in which none does.
 */
async function besideJobs(rounds: number, seconds: number): Promise<Measure[]> {
  const dataPath = newFolder();
  const history = knob('TIDEMARK_BENCH_EVENTS', OWN_HISTORY);
  const { current } = await withServer(dataPath, ({ api }) => api.ask<{ current: string }>('/api/projects'));
  await runSql(join(dataPath, 'warehouse'), insertDay(history, { project: current, links: 20_000, documents: true }));
  const server = await Server.start({ dataPath, env: { TIDEMARK_JOBS_EVERY_MS: String(NEVER_MS) } });
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: Math.min(3, seconds) });
  const { eventsPerSecond: sustained } = await endToEnd(server, ledger, { seconds: Math.min(8, seconds) });
  const window = (): Promise<EndToEnd> => endToEnd(server, ledger, { seconds, eventsPerSecond: sustained / 2, connections: OPEN_LOOP_CONNECTIONS });
  const jobs = new RestlessJobs(server);
  // A first round rolls up what is there.
  await jobs.once();
  const [alone, beside]: [EndToEnd[], EndToEnd[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    alone.push(await window());
    await quiet(server.processes());
    jobs.start();
    beside.push(await window());
    await jobs.stop();
  }
  const { balance } = await server.api.pipeline();
  const stored = ledger.unique + jobs.late;
  if (balance.stored !== stored || balance.difference !== 0) throw new WrongCount([`balance.stored: ${balance.stored}, should be ${stored}; difference ${balance.difference}`]);
  if (jobs.rolledUp === 0) throw new WrongCount([`rounds of ${jobs.rounds} in which ${QUARTERS} dirty quarters were rolled up: none`]);
  await server.stop();
  removeFolder(dataPath);
  const figuresOf = (windows: readonly EndToEnd[]) => ({
    eventsPerSecond: spread(windows.map(({ eventsPerSecond }) => eventsPerSecond)),
    acceptP50Ms: spread(windows.map(({ load }) => load.latency.p50Ms)),
    acceptP99Ms: spread(windows.map(({ load }) => load.latency.p99Ms)),
    drainSeconds: spread(windows.map(({ drainSeconds }) => drainSeconds)),
  });
  const figures = { alone: figuresOf(alone), beside: figuresOf(beside) };
  const acceptMs = ({ acceptP50Ms, acceptP99Ms }: ReturnType<typeof figuresOf>): string => `${acceptP50Ms.median.toFixed(0)} and ${acceptP99Ms.median.toFixed(0)} ms`;
  return [
    {
      ...entry('jobs'),
      what: `events/s accepted and counted at half load (${Math.round(sustained / 2).toLocaleString('en')} events/s offered) while all jobs run, against none, with ${history.toLocaleString('en')} events of history`,
      value: spread(beside.map(({ eventsPerSecond }, i) => eventsPerSecond / alone[i]!.eventsPerSecond)),
      notes: [`${jobs.rounds} rounds of all jobs, ${jobs.rolledUp} of them over all quarters; ${jobs.rows.toLocaleString('en')} rows by them`, `accept latency p50 and p99: ${acceptMs(figures.alone)} without them, ${acceptMs(figures.beside)} beside them`],
      details: { history, sustainedEventsPerSecond: sustained, ...figures, jobs: Object.fromEntries(jobs.tookMs) },
    },
  ];
}

/** Asks for every job, one after another, over and over; before each time a late event comes in every quarter of the past day. */
class RestlessJobs {
  late = 0;
  rounds = 0;
  /** Rounds in which all quarters, or more, were rolled up; in one or the other the server's own first round came before. */
  rolledUp = 0;
  rows = 0;
  readonly tookMs = new Map<string, number>();
  readonly #server: Server;
  #running: Promise<void> | undefined;
  #stopping = false;

  constructor(server: Server) {
    this.#server = server;
  }

  start(): void {
    this.#stopping = false;
    this.#running = (async () => {
      while (!this.#stopping) await this.once();
    })();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#running;
  }

  async once(): Promise<void> {
    const { api, port } = this.#server;
    await sendAll(port, Array.from({ length: QUARTERS }, (_, i) => ({ eventId: `late-${this.late + i}`, eventName: 'late', anonymousId: `late-${i}`, timestamp: Date.parse(DAY) + i * QUARTER_MS })));
    this.late += QUARTERS;
    // Past the processor's own pace, which is its linger time.
    await delay(1_000);
    for (const { name } of await api.jobs()) {
      const before = performance.now();
      const job = await api.run(name);
      if (name === 'rollups' && (job.lastRows ?? 0) >= QUARTERS) this.rolledUp++;
      this.tookMs.set(name, (this.tookMs.get(name) ?? 0) + performance.now() - before);
      this.rows += job.lastRows ?? 0;
    }
    this.rounds++;
  }
}

async function withServer<Result>(dataPath: string, work: (server: Server) => Promise<Result>): Promise<Result> {
  const server = await Server.start({ dataPath });
  const result = await work(server);
  await server.stop({ keepFolder: true });
  return result;
}

export const besideJobsAlone = (): Promise<Measure[]> => besideJobs(knob('TIDEMARK_BENCH_ROUNDS', 3), knob('TIDEMARK_BENCH_SECONDS', 12));
export const besideJobsShort = (): Promise<Measure[]> => besideJobs(knob('TIDEMARK_BENCH_ROUNDS', 2), knob('TIDEMARK_BENCH_SECONDS', 8));
