import { checkLog } from '../oracle/log-records.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { generate } from '../server/generate.ts';
import { Server } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { entry } from './catalogue.ts';

/** R2: accept rate with fsync against the same server whose log leaves fsync out, in turns. The engines are held still. */
export async function r2(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 5);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 5);
  const synced = await door([]);
  const unsynced = await door(['no-sync.cjs']);
  if (!unsynced.server.output.includes('without fsync')) throw new Error('R2 could not leave fsync out: the log is no longer opened by lmdb.open()');
  const rates: { synced: number; unsynced: number }[] = [];
  for (let round = -1; round < rounds; round++) {
    const rate = { unsynced: await unsynced.load(seconds), synced: await synced.load(seconds) };
    // The first round warms up.
    if (round >= 0) rates.push(rate);
  }
  await synced.end();
  await unsynced.end();
  return [
    {
      ...entry('R2'),
      what: 'accept rate with fsync against without',
      value: spread(rates.map((rate) => rate.synced / rate.unsynced)),
      details: {
        syncedEventsPerSecond: spread(rates.map((rate) => rate.synced)),
        unsyncedEventsPerSecond: spread(rates.map((rate) => rate.unsynced)),
        without: 'MDB_NOSYNC on the same disk; the kernel still writes the pages back when it likes',
      },
    },
  ];
}

async function door(preload: readonly string[]) {
  const dataPath = newFolder();
  const server = await Server.start({ dataPath, preload });
  server.pause('engine');
  let accepted = 0;
  return {
    server,
    async load(seconds: number): Promise<number> {
      const result = await generate(server.port, { seconds });
      accepted += result.accepted;
      return result.eventsPerSecond;
    },
    async end(): Promise<void> {
      await server.kill9();
      await checkLog(dataPath, accepted);
      removeFolder(dataPath);
    },
  };
}
