import { bareLog } from '../baselines/bare-log.ts';
import { latencyOf, type Latency } from '../generate/latency.ts';
import { allQueryable, checkStores, Ledger } from '../oracle/counts.ts';
import { EVENTS_PER_BATCH, knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { FreshnessProbe } from '../server/freshness-probe.ts';
import { generate, OPEN_LOOP_CONNECTIONS } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

/**
 * R3 and R14 in one run of the whole server: what it sustains end to end is found first, then half of it is offered in
 * an open loop. R3 is the p99 from a batch being due to its answer; R14 from an event being sent to its being counted by
 * a question, both seen from outside. Before each round, while the server rests, the same batches are appended to a bare
 * file at the same rate: what R3 would be if there were nothing but the disk.
 */
export async function halfLoad(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 12);
  const server = await Server.start();
  const ledger = new Ledger();
  await endToEnd(server, ledger, { seconds: Math.min(3, seconds) });
  const { eventsPerSecond: sustained, load: { bytesPerEvent } } = await endToEnd(server, ledger, { seconds: Math.min(8, seconds) });
  const probe = new FreshnessProbe(server, ledger);
  const accepts: Latency[] = [];
  const disk: Latency[] = [];
  const freshness: Latency[] = [];
  let achieved = 0;
  for (let round = 0; round < rounds; round++) {
    await allQueryable(server, ledger);
    disk.push(await bareLog({ seconds, batchesPerSecond: sustained / 2 / EVENTS_PER_BATCH, batchBytes: Math.round(EVENTS_PER_BATCH * bytesPerEvent) }));
    probe.start();
    const half = await generate(server.port, { seconds, eventsPerSecond: sustained / 2, connections: OPEN_LOOP_CONNECTIONS });
    ledger.add(half);
    accepts.push(half.latency);
    freshness.push(latencyOf(await probe.stop()));
    achieved = half.eventsPerSecond;
  }
  await allQueryable(server, ledger);
  await checkStores(server, ledger);
  const { freshness: ownFreshness } = await server.api.pipeline();
  await server.stop();
  const diskP99Ms = spread(disk.map(({ p99Ms }) => p99Ms));
  const load = { sustainedEventsPerSecond: sustained, offeredEventsPerSecond: sustained / 2, achievedEventsPerSecond: achieved };
  return [
    {
      ...entry('R3'),
      what: `accept latency p99 at half load (${Math.round(sustained / 2).toLocaleString('en')} events/s, open loop, from when a batch was due)`,
      value: spread(accepts.map(({ p99Ms }) => p99Ms)),
      notes: [`the disk by itself, the same batches appended to a bare file and synced: p99 ${diskP99Ms.median.toFixed(1)} ms (${diskP99Ms.min.toFixed(1)} to ${diskP99Ms.max.toFixed(1)})`],
      details: { ...load, disk: { p99Ms: diskP99Ms, maxMs: spread(disk.map(({ maxMs }) => maxMs)) }, p50Ms: spread(accepts.map(({ p50Ms }) => p50Ms)), maxMs: spread(accepts.map(({ maxMs }) => maxMs)) },
    },
    {
      ...entry('R14'),
      what: 'freshness p99 at half load, from sent to counted by a question',
      value: spread(freshness.map(({ p99Ms }) => p99Ms / 1000)),
      details: { ...load, p50Seconds: spread(freshness.map(({ p50Ms }) => p50Ms / 1000)), asTheServerSays: ownFreshness },
    },
  ];
}
