import type { LoadResult } from '../generate/load.ts';
import { checkLog } from '../oracle/log-records.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { CpuMeter, perEvent } from '../resources/cpu.ts';
import { startBareServer } from '../server/bare.ts';
import { generate } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

/**
 * R1: durable accepted events/s against a bare server that only parses, in turns. The whole server runs, its engine held
 * still: what is measured is the door, with the flags and settings that `tidemark start` gives it.
 */
export async function r1(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 5);
  const dataPath = newFolder();
  const server = await Server.start({ dataPath });
  const bare = await startBareServer();
  server.pause('engine');
  const warm = await generate(server.port, { seconds: Math.min(2, seconds) });
  await generate(bare.port, { seconds: Math.min(2, seconds) });
  const cpu = new CpuMeter(server.processes());
  const ours: LoadResult[] = [];
  const theirs: LoadResult[] = [];
  for (let round = 0; round < rounds; round++) {
    theirs.push(await generate(bare.port, { seconds }));
    ours.push(await generate(server.port, { seconds }));
  }
  const accepted = ours.reduce((sum, each) => sum + each.accepted, 0);
  const cost = perEvent(cpu.stop(), accepted);
  server.resume('engine');
  bare.stop();
  // Whatever was sent is in the log; that the engine gets through it is R4's to show.
  await server.kill9();
  await checkLog(dataPath, warm.accepted + accepted);
  removeFolder(dataPath);
  return [
    {
      ...entry('R1'),
      what: 'durable accepted events/s against a bare node:http server that reads and JSON.parses',
      value: spread(ours.map((each, index) => each.eventsPerSecond / theirs[index]!.eventsPerSecond)),
      details: {
        oursEventsPerSecond: spread(ours.map((each) => each.eventsPerSecond)),
        bareEventsPerSecond: spread(theirs.map((each) => each.eventsPerSecond)),
        latencyMs: ours.at(-1)!.latency,
        bytesPerEvent: ours[0]!.bytesPerEvent,
        generatorMicrosPerEvent: spread(theirs.map((each) => each.cpuMicrosPerEvent)),
        cpuPerEvent: cost,
      },
    },
  ];
}
