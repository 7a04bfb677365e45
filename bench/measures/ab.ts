import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { CpuMeter, perEvent, type CpuPerEvent } from '../resources/cpu.ts';
import { quiet } from '../resources/quiet.ts';
import { PROGRAM, Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

/**
 * This checkout against another one, in turns at the same load, end to end: for judging a change on a machine whose speed
 * moves by more than the change. Both servers stay up; the one that waits is idle.
 */
export async function ab(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 6);
  const other = process.env['TIDEMARK_BENCH_AGAINST'] ?? '';
  const program = join(other, 'bin/tidemark.mjs');
  if (other === '' || !existsSync(program)) throw new Error('set TIDEMARK_BENCH_AGAINST to another checkout with its packages installed');
  const sides = { ours: await side(PROGRAM), theirs: await side(program) };
  for (let round = -1; round < rounds; round++) {
    for (const each of round % 2 === 0 ? [sides.ours, sides.theirs] : [sides.theirs, sides.ours]) await each.round(seconds, round >= 0);
  }
  await sides.ours.end();
  await sides.theirs.end();
  const of = (get: (side: Side) => number[]) => ({ ours: spread(get(sides.ours)), theirs: spread(get(sides.theirs)) });
  return [
    {
      ...entry('ab'),
      what: `events/s end to end, this checkout against ${other}`,
      value: spread(sides.ours.rates.map((rate, index) => rate / sides.theirs.rates[index]!)),
      notes: [
        `CPU an event: ours ${spread(sides.ours.costs.map(({ micros }) => micros)).median.toFixed(1)} us, theirs ${spread(sides.theirs.costs.map(({ micros }) => micros)).median.toFixed(1)} us`,
      ],
      details: { eventsPerSecond: of(({ rates }) => rates), cpuMicrosPerEvent: of(({ costs }) => costs.map(({ micros }) => micros)), lastOurs: sides.ours.costs.at(-1), lastTheirs: sides.theirs.costs.at(-1) },
    },
  ];
}

interface Side {
  rates: number[];
  costs: CpuPerEvent[];
  round(seconds: number, counts: boolean): Promise<void>;
  end(): Promise<void>;
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
