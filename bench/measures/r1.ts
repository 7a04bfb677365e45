import type { Measure } from '../report.ts';
import { spread } from '../report.ts';
import { generate, startBareServer, startCollector, WRITE_KEY, type Running } from '../processes.ts';

const ROUNDS = 3;
const SECONDS = 6;

/** R1: durable accepted events/s against a bare server that only parses, in turns. */
export async function r1(): Promise<Measure> {
  const ours: number[] = [];
  const bare: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    bare.push(await rate(await startBareServer()));
    ours.push(await rate(await startCollector()));
  }
  return {
    id: 'R1',
    what: 'durable accepted events/s against a bare node:http server that reads and JSON.parses',
    floor: '>= 0.4',
    goal: '>= 0.7',
    value: spread(ours.map((value, index) => value / bare[index]!)),
    unit: 'ratio',
    details: { oursEventsPerSecond: spread(ours), bareEventsPerSecond: spread(bare) },
  };
}

async function rate(server: Running): Promise<number> {
  const plan = { port: server.port, path: '/api/events/batch', writeKey: WRITE_KEY, connections: 16, eventsPerBatch: 50 };
  await generate({ ...plan, seconds: 1.5 });
  const { eventsPerSecond, refused } = await generate({ ...plan, seconds: SECONDS });
  await server.stop();
  if (refused > 0) throw new Error(`${refused} events were refused`);
  return eventsPerSecond;
}
