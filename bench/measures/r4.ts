import { PlainInsert } from '../baselines/plain-insert.ts';
import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { folderWithIds, idsToSeed, removeSeededFolder } from '../prepare/seeded-folder.ts';
import { spread, type Measure } from '../report/measure.ts';
import { CpuMeter, perEvent } from '../resources/cpu.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { storeSeconds } from '../server/store-seconds.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

/** R4: events/s from HTTP to deduplicated and queryable, against chDB's own INSERT of such events as JSONEachRow. */
export async function r4(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 10);
  const ids = idsToSeed();
  const dataPath = await folderWithIds();
  const plain = await PlainInsert.start();
  const server = await Server.start({ dataPath });
  const ledger = new Ledger(ids);
  await endToEnd(server, ledger, { seconds: Math.min(3, seconds) });
  const ours = [];
  const baseline: number[] = [];
  const costs = [];
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    baseline.push(await plain.rowsPerSecond());
    await quiet(plain.processes());
    const cpu = new CpuMeter(server.processes());
    const storesBefore = await storeSeconds(server);
    const result = await endToEnd(server, ledger, { seconds });
    const use = cpu.stop();
    const { accepted } = result.load;
    ours.push(result);
    costs.push({
      ...perEvent(use, accepted),
      microsAfterTheRound: (await quiet(server.processes())) / accepted,
      wallMicrosByStore: await storeSeconds(server, storesBefore, accepted),
    });
  }
  await checkStores(server, ledger);
  await server.stop();
  await plain.stop();
  removeSeededFolder(dataPath);
  const middle = ours.map((each, index) => ({ each, index })).toSorted((a, b) => a.each.eventsPerSecond - b.each.eventsPerSecond)[Math.floor((rounds - 1) / 2)]!;
  return [
    {
      ...entry('R4'),
      what: `events/s from HTTP to deduplicated and queryable, ${ids.toLocaleString('en')} ids in the dedup store, against chDB INSERT JSONEachRow`,
      value: spread(ours.map((each, index) => each.eventsPerSecond / baseline[index]!)),
      details: {
        oursEventsPerSecond: spread(ours.map((each) => each.eventsPerSecond)),
        plainInsertRowsPerSecond: spread(baseline),
        acceptedPerSecondMeanwhile: spread(ours.map(({ load }) => load.eventsPerSecond)),
        drainSeconds: spread(ours.map(({ drainSeconds }) => drainSeconds)),
        generatorMicrosPerEvent: spread(ours.map(({ load }) => load.cpuMicrosPerEvent)),
        bytesPerEvent: ours[0]!.load.bytesPerEvent,
        /** Of the round in the middle. */
        cpuPerEvent: costs[middle.index],
      },
    },
  ];
}
