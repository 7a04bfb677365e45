import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { allQueryable, checkStores, Ledger } from '../oracle/counts.ts';
import { knob } from '../options.ts';
import { spread, type Measure } from '../report/measure.ts';
import { generate } from '../server/generate.ts';
import { Server, WRITE_KEY } from '../server/server.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';
import { endToEnd } from './end-to-end.ts';
import { entry } from './catalogue.ts';

const OWN_LOG_MB = 1_024;
const FILL_SECONDS = 3;

/**
 * R11: a restart after kill -9 with 1 GB of unprocessed log: how long to the first acknowledged event, and how fast what
 * lay in the log is caught up with, from the start of the program, against the speed while it comes in live.
 */
export async function r11(): Promise<Measure[]> {
  const rounds = knob('TIDEMARK_BENCH_ROUNDS', 1);
  const logMb = knob('TIDEMARK_BENCH_LOG_MB', OWN_LOG_MB);
  const seconds = knob('TIDEMARK_BENCH_SECONDS', 8);
  const outcomes: Restart[] = [];
  for (let round = 0; round < rounds; round++) outcomes.push(await restart(logMb * 1e6, seconds));
  const details = { rounds: outcomes };
  return [
    {
      ...entry('R11a'),
      what: `restart after kill -9 with ${logMb} MB of unprocessed log: from the start of the program to the first ack`,
      value: spread(outcomes.map(({ firstAckSeconds }) => firstAckSeconds)),
      details,
    },
    {
      ...entry('R11b'),
      what: 'the same: events/s from the start of the program until all is queryable, against live speed',
      value: spread(outcomes.map(({ caughtUpPerSecond, livePerSecond }) => caughtUpPerSecond / livePerSecond)),
      details,
    },
  ];
}

interface Restart {
  livePerSecond: number;
  pendingEvents: number;
  logBytes: number;
  firstAckSeconds: number;
  readySeconds: number;
  caughtUpSeconds: number;
  caughtUpPerSecond: number;
}

async function restart(logBytes: number, seconds: number): Promise<Restart> {
  const dataPath = newFolder();
  const before = await Server.start({ dataPath });
  const ledger = new Ledger();
  await endToEnd(before, ledger, { seconds: Math.min(3, seconds) });
  const live = await endToEnd(before, ledger, { seconds });
  before.pause('engine');
  const usedBefore = logFileBytes(dataPath);
  let pendingEvents = 0;
  while (logFileBytes(dataPath) - usedBefore < logBytes) {
    const load = await generate(before.port, { seconds: FILL_SECONDS });
    ledger.add(load);
    pendingEvents += load.accepted;
  }
  const filled = logFileBytes(dataPath) - usedBefore;
  const { port } = before;
  await before.kill9();

  const startedAt = performance.now();
  const since = (): number => (performance.now() - startedAt) / 1000;
  const { ready, server } = Server.spawn({ dataPath }, port);
  const firstAck = firstAcknowledged(port, ledger).then(since);
  await ready;
  const readySeconds = since();
  const after = server();
  const firstAckSeconds = await firstAck;
  await allQueryable(after, ledger);
  const caughtUpSeconds = since();
  await checkStores(after, ledger);
  await after.stop();
  removeFolder(dataPath);
  return {
    livePerSecond: live.eventsPerSecond,
    pendingEvents,
    logBytes: filled,
    firstAckSeconds,
    readySeconds,
    caughtUpSeconds,
    caughtUpPerSecond: pendingEvents / caughtUpSeconds,
  };
}

/** Sends one event over and over until one is acknowledged. None may be half taken: without an answer there was no server. */
async function firstAcknowledged(port: number, ledger: Ledger): Promise<void> {
  for (let number = 0; ; number++) {
    const status = await fetch(`http://127.0.0.1:${port}/api/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${WRITE_KEY}` },
      body: JSON.stringify({ eventId: `first-${number}`, eventName: 'first', anonymousId: 'probe' }),
    }).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 202) return ledger.add({ accepted: 1, acceptedRepeats: 0 });
    await delay(10);
  }
}

/** What the log takes on disk; its file grows by what comes in, as nothing is dropped within an hour. */
function logFileBytes(dataPath: string): number {
  return statSync(join(dataPath, 'log', 'data.mdb')).blocks * 512;
}
