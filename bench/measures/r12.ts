import { checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { folderWithIds, idsToSeed, removeSeededFolder } from '../prepare/seeded-folder.ts';
import { spread, type Measure } from '../report/measure.ts';
import { quiet } from '../resources/quiet.ts';
import { Server } from '../server/server.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const SHARE = 0.2;

/** R12: events/s end to end when a fifth of them was seen at some time in the window, against none, in turns. */
export async function r12(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 3);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 8);
  const ids = idsToSeed();
  const dataPath = await folderWithIds();
  const server = await Server.start({ dataPath });
  const ledger = new Ledger(ids);
  const repeats = { share: SHARE, seededIds: ids };
  await endToEnd(server, ledger, { seconds: Math.min(2, seconds), repeats });
  const none: number[] = [];
  const some: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await quiet(server.processes());
    none.push((await endToEnd(server, ledger, { seconds })).eventsPerSecond);
    await quiet(server.processes());
    some.push((await endToEnd(server, ledger, { seconds, repeats })).eventsPerSecond);
  }
  await checkStores(server, ledger);
  await server.stop();
  removeSeededFolder(dataPath);
  return [
    {
      ...entry('R12'),
      what: `events/s end to end with 20 % duplicates, drawn evenly from ${ids.toLocaleString('en')} ids of the window, against none; every duplicate found, no other`,
      value: spread(some.map((each, index) => each / none[index]!)),
      details: {
        withDuplicatesEventsPerSecond: spread(some),
        withoutEventsPerSecond: spread(none),
        duplicates: ledger.repeats,
        stored: ledger.unique,
        countError: 0,
      },
    },
  ];
}
