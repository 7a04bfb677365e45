import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { offer, type OfferedLoad } from './overload.ts';
import { entry } from './catalogue.ts';

const TIMES_SUSTAINED = [0.1, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 3];

/** What becomes of an offered load from a tenth to three times of what the server sustains: the points of the chart. */
export async function curve(): Promise<Measure[]> {
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 8);
  const server = await Server.start();
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: Math.min(3, seconds) });
  const sustained = (await endToEnd(server, ledger, { seconds: Math.min(8, seconds) })).eventsPerSecond;
  const points: (OfferedLoad & { timesSustained: number })[] = [];
  for (const timesSustained of TIMES_SUSTAINED) {
    points.push({ timesSustained, ...(await offer(server, ledger, sustained * timesSustained, seconds)) });
  }
  await checkStores(server, ledger);
  await server.stop();
  return [
    {
      ...entry('curve'),
      what: 'most events/s stored while a load lasts, offered from 0.1 to 3 times of what is sustained',
      value: spread([Math.max(0, ...points.map(({ storedEventsPerSecond }) => storedEventsPerSecond ?? 0))]),
      details: { sustainedEventsPerSecond: sustained, secondsAPoint: seconds, points },
    },
  ];
}
