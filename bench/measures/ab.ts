import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import type { Measure } from '../report/measure.ts';
import { CpuMeter, perEvent, type CpuPerEvent } from '../resources/cpu.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';
import { compare, type Side } from './two-checkouts.ts';

/** This checkout against another one, in turns at the same load, end to end. */
export async function ab(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 6);
  const { other, ours, theirs, ratio, of } = await compare(side, { rounds, seconds });
  const micros = of(({ costs }) => costs.map((cost) => cost.micros));
  return [
    {
      ...entry('ab'),
      what: `events/s end to end, this checkout against ${other}`,
      value: ratio,
      notes: [`CPU an event: ours ${micros.ours.median.toFixed(1)} us, theirs ${micros.theirs.median.toFixed(1)} us`],
      details: { eventsPerSecond: of(({ rates }) => rates), cpuMicrosPerEvent: micros, lastOurs: ours.costs.at(-1), lastTheirs: theirs.costs.at(-1) },
    },
  ];
}

async function side(program: string): Promise<Side> {
  const server = await Server.start({ program });
  const ledger = new Ledger();
  const rates: number[] = [];
  const costs: CpuPerEvent[] = [];
  return {
    rates,
    costs,
    async round(seconds, counts) {
      const cpu = new CpuMeter(server.processes());
      const { eventsPerSecond, load } = await endToEnd(server, ledger, { seconds });
      // What it leaves to do afterwards is its cost too.
      await quiet(server.processes());
      const cost = perEvent(cpu.stop(), load.accepted);
      if (!counts) return;
      rates.push(eventsPerSecond);
      costs.push(cost);
    },
    async end() {
      await checkStores(server, ledger);
      await server.stop();
    },
  };
}
