import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { offer, type OfferedLoad } from './overload.ts';
import { entry } from './catalogue.ts';

const TIMES = 3;

/**
 * R13: what the stores take a second while three times the sustainable load comes in, against what they take at the
 * sustainable load, in turns; nothing acknowledged is lost. Counted at the stores, since what is only acknowledged then
 * would flatter: the log can take more than the stores.
 */
export async function r13(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 2);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 12);
  const server = await Server.start();
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: Math.min(3, seconds) });
  const sustained = (await endToEnd(server, ledger, { seconds: Math.min(8, seconds) })).eventsPerSecond;
  const peak: OfferedLoad[] = [];
  const over: OfferedLoad[] = [];
  for (let round = 0; round < rounds; round++) {
    peak.push(await offer(server, ledger, sustained, seconds));
    over.push(await offer(server, ledger, sustained * TIMES, seconds));
  }
  await checkStores(server, ledger);
  await server.stop();
  const best = Math.max(...peak.map(stored));
  return [
    {
      ...entry('R13'),
      what: `events/s stored while ${TIMES} times the sustainable load (${Math.round(sustained).toLocaleString('en')}/s) is offered, against the peak; nothing acknowledged is lost`,
      value: spread(over.map((each) => stored(each) / best)),
      details: {
        sustainedEventsPerSecond: sustained,
        acceptedRatio: spread(over.map((each, index) => each.acceptedEventsPerSecond / peak[index]!.acceptedEventsPerSecond)),
        atSustainable: peak,
        atThreeTimes: over,
      },
    },
  ];
}

function stored({ storedEventsPerSecond }: OfferedLoad): number {
  if (storedEventsPerSecond === undefined) throw new Error('a window showed fewer than two commits of the stores; raise TIDEMARK_BENCH_SECONDS');
  return storedEventsPerSecond;
}
