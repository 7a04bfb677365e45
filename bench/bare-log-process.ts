/**
 * What R3 is held beside: a process that does nothing but append each batch to a file when it is due, and sync it. No server
 * that answers when an event is on disk can be quicker than its disk; a virtual disk that stops for half a second shows here.
 */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BareLogOrder } from './baselines/bare-log.ts';
import { latencyOf } from './generate/latency.ts';

process.once('message', (order: BareLogOrder) => {
  appendAll(order).then(
    (latency) => process.send?.(latency, () => process.exit(0)),
    (error: unknown) => {
      console.error(error);
      process.exit(1);
    },
  );
});

async function appendAll({ path, seconds, batchesPerSecond, batchBytes }: BareLogOrder) {
  const file = await open(path, 'w');
  const batch = Buffer.alloc(batchBytes, 'tidemark');
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  for (let turn = 0; turn < seconds * batchesPerSecond; ) {
    const dueAt = (index: number): number => startedAt + (index * 1000) / batchesPerSecond;
    const waitMs = dueAt(turn) - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    // As a log does: what has become due during a sync shares the next one.
    let end = turn + 1;
    while (end < seconds * batchesPerSecond && dueAt(end) <= performance.now()) end++;
    await file.write(end === turn + 1 ? batch : Buffer.alloc(batchBytes * (end - turn), batch));
    await file.datasync();
    const now = performance.now();
    for (; turn < end; turn++) latenciesMs.push(now - dueAt(turn));
  }
  await file.close();
  return latencyOf(latenciesMs);
}
