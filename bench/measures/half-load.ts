import { ask, generate, startServer, WRITE_KEY } from '../processes.ts';
import { spread, type Measure } from '../report.ts';
import { allStored } from './r4.ts';

const SECONDS = 15;

/**
 * R3 and R14 in one run of the whole server: what it sustains end to end is found first, then half of it is offered in
 * an open loop. R3 is the p99 from a batch being due to its answer, R14 from accepted to counted.
 */
export async function halfLoad(): Promise<Measure[]> {
  const server = await startServer();
  const plan = { port: server.port, path: '/api/events/batch', writeKey: WRITE_KEY, connections: 16, eventsPerBatch: 50 };
  const first = await generate({ ...plan, seconds: 2 });
  await allStored(server.port, first.accepted);
  const startedAt = performance.now();
  const full = await generate({ ...plan, seconds: 10 });
  await allStored(server.port, first.accepted + full.accepted);
  const sustained = full.accepted / ((performance.now() - startedAt) / 1000);
  const half = await generate({ ...plan, connections: 64, seconds: SECONDS, eventsPerSecond: sustained / 2 });
  const { freshness } = await ask<{ freshness: { p50Ms: number; p99Ms: number } }>(server.port, '/api/pipeline');
  await allStored(server.port, first.accepted + full.accepted + half.accepted);
  await server.stop();
  const load = { sustainedEventsPerSecond: Math.round(sustained), offeredEventsPerSecond: Math.round(sustained / 2), achievedEventsPerSecond: Math.round(half.eventsPerSecond) };
  return [
    {
      id: 'R3', what: 'accept latency p99 at half load, open loop', floor: '<= 100 ms', goal: '<= 10 ms',
      value: spread([half.latency.p99Ms]), unit: 'ms', details: { ...load, ...half.latency },
    },
    {
      id: 'R14', what: 'freshness p99, accepted to counted, at half load', floor: '<= 10 s', goal: '<= 2 s',
      value: spread([freshness.p99Ms / 1000]), unit: 's', details: { ...load, ...freshness },
    },
  ];
}
