import { allQueryable, checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { MemorySampler } from '../resources/memory.ts';
import { generate, OPEN_LOOP_CONNECTIONS } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { CATALOGUE, entry } from './catalogue.ts';

const OWN_SECONDS = 600;
const MAX_MIB = CATALOGUE.memory.floor;
/** Flat: over the five minutes of a second half 50 MiB, a twenty-fifth of what it takes. Shorter runs are still warming up. */
const MAX_SLOPE_MIB_PER_MINUTE = 10;

/**
 * Anonymous memory of all processes while as much comes in as the server sustains, found first without a limit. It fails
 * above 1.5 GB (1,430 MiB), and where it still grows in the second half of ten minutes. In `npm run bench` it is a minute; ten minutes are its own length.
 */
async function memory(seconds: number): Promise<Measure[]> {
  const server = await Server.start();
  const ledger = new Ledger();
  const sampler = new MemorySampler(() => server.processes());
  await endToEnd(server, ledger, { seconds: 3 });
  const sustained = (await endToEnd(server, ledger, { seconds: Math.min(8, seconds) })).eventsPerSecond;
  const load = await generate(server.port, { seconds, eventsPerSecond: sustained, connections: OPEN_LOOP_CONNECTIONS });
  ledger.add(load);
  const use = sampler.stop();
  const { slopeMiBPerMinute } = use;
  console.error(`       ${use.maxMiB.toFixed(0)} MiB at the most, ${slopeMiBPerMinute.toFixed(1)} MiB a minute; now what is stored is counted`);
  await allQueryable(server, ledger);
  await checkStores(server, ledger);
  await server.stop();
  if (use.maxMiB > MAX_MIB) throw new Error(`the server took ${use.maxMiB.toFixed(0)} MiB of anonymous memory, more than ${MAX_MIB}: ${JSON.stringify(use)}`);
  if (seconds >= OWN_SECONDS && slopeMiBPerMinute > MAX_SLOPE_MIB_PER_MINUTE) throw new Error(`memory grew by ${slopeMiBPerMinute.toFixed(1)} MiB a minute in the second half, more than ${MAX_SLOPE_MIB_PER_MINUTE}: ${JSON.stringify(use)}`);
  return [
    {
      ...entry('memory'),
      what: `most anonymous memory (RssAnon) of all processes over ${seconds} s at full load (${Math.round(load.eventsPerSecond).toLocaleString('en')} events/s)`,
      value: spread([use.maxMiB]),
      reduced: seconds >= OWN_SECONDS ? [] : [`${seconds} s instead of ${OWN_SECONDS}`],
      notes: [`in its second half it grew by ${slopeMiBPerMinute.toFixed(1)} MiB a minute`],
      details: { ...use, eventsPerSecond: load.eventsPerSecond, acceptP99Ms: load.latency.p99Ms },
    },
  ];
}

export const memoryAlone = (): Promise<Measure[]> => memory(knob('TIDEMARK_BENCH_SECONDS', OWN_SECONDS));
export const memoryShort = (): Promise<Measure[]> => memory(knob('TIDEMARK_BENCH_SECONDS', 60));
