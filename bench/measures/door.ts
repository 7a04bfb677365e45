import { checkLog } from '../oracle/log-records.ts';
import { knob } from '../options.ts';
import type { Measure } from '../report/measure.ts';
import { CpuMeter, perEvent, type CpuPerEvent } from '../resources/cpu.ts';
import { startBareServer } from '../server/bare.ts';
import { generate } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';
import { compare, type Side } from './two-checkouts.ts';

/** R1 of this checkout and of another one, in turns with the bare server: for judging a change of the door. */
export async function door(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 3);
  const bare = await startBareServer();
  const bareRates: number[] = [];
  const before = async (counts: boolean): Promise<void> => {
    const { eventsPerSecond } = await generate(bare.port, { seconds });
    if (counts) bareRates.push(eventsPerSecond);
  };
  const { other, ours, theirs, ratio, of } = await compare(side, { rounds, seconds, before }).finally(() => bare.stop());
  const toBare = of(({ rates }) => rates.map((rate, index) => rate / bareRates[index]!));
  const javaScript = of(({ costs }) => costs.map(({ threads }) => threads['collector: JavaScript']!.micros));
  return [
    {
      ...entry('door'),
      what: `durable accepted events/s, the engine held still, this checkout against ${other}`,
      value: ratio,
      notes: [
        `against the bare server: ours ${toBare.ours.median.toFixed(3)}, theirs ${toBare.theirs.median.toFixed(3)}`,
        `JavaScript an event: ours ${javaScript.ours.median.toFixed(1)} us, theirs ${javaScript.theirs.median.toFixed(1)} us`,
      ],
      details: { toBare, javaScript, eventsPerSecond: of(({ rates }) => rates), idleShare: of(({ costs }) => costs.map(({ idleShareOfMachine }) => idleShareOfMachine)), lastOurs: ours.costs.at(-1), lastTheirs: theirs.costs.at(-1) },
    },
  ];
}

async function side(program: string): Promise<Side> {
  const dataPath = newFolder();
  const server = await Server.start({ program, dataPath });
  server.pause('engine');
  const rates: number[] = [];
  const costs: CpuPerEvent[] = [];
  let accepted = 0;
  return {
    rates,
    costs,
    async round(seconds, counts) {
      const cpu = new CpuMeter(server.processes());
      const load = await generate(server.port, { seconds });
      accepted += load.accepted;
      const cost = perEvent(cpu.stop(), load.accepted);
      if (!counts) return;
      rates.push(load.eventsPerSecond);
      costs.push(cost);
    },
    async end() {
      server.resume('engine');
      await server.kill9();
      await checkLog(dataPath, accepted);
      removeFolder(dataPath);
    },
  };
}
