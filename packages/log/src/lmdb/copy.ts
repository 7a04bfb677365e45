/** Copies of a log, and how they become logs of their own. No writer may have the log open but where it is said. */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { currentEpoch, type Epoch } from '../epochs.ts';
import { LogUnavailable } from '../log.ts';
import type { Topic } from '../position.ts';
import { lastBatch } from './batches.ts';
import { COMMITS } from './commit-gate.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { epochPuts, readEpochs } from './epoch-list.ts';

const COPY_MARK = 'copied';

/**
 * Copies the log in `path` as it is at one instant of the call, without holding up its writer, into the folder `target`;
 * unused pages are left out. The copy is marked: `adoptCopy` will know it wherever it is put.
 * Resolves to its end offsets. It is not yet synced.
 */
export async function copyLog(path: string, target: string): Promise<Record<Topic, number>> {
  await mkdir(target, { recursive: true });
  const source = openEnvironment(path, true);
  try {
    if (readEpochs(source).length === 0) throw new LogUnavailable(`There is no log in ${path}.`);
    await source.root.backup(join(target, '/'), true);
  } finally {
    await source.close();
  }
  const copy = openEnvironment(target, false);
  try {
    await copy.commit(() => [copy.meta.put(COPY_MARK, 'yes')]);
    return endsOf(copy);
  } finally {
    await copy.close();
    for (const name of ['lock.mdb', COMMITS]) await rm(join(target, name), { force: true });
  }
}

/** What a log that is about to be written to has found out about itself. */
export type LogOrigin = 'unchanged' | 'restored' | 'fell_back';

/**
 * To be called before a writer opens the log in `path`, with how far consumers have come in it. A copy that was put
 * back, or a log that ends before what its consumers have done of the same epoch, goes on under a new epoch.
 */
export async function adoptCopy(
  path: string,
  consumed: readonly { topic: Topic; epoch: string; offset: number }[],
  nowMs: number,
): Promise<LogOrigin> {
  const env = openEnvironment(path, false);
  try {
    const epochs = readEpochs(env);
    if (epochs.length === 0) return 'unchanged';
    const ends = endsOf(env);
    const current = currentEpoch(epochs).name;
    const fellBack = consumed.some(({ topic, epoch, offset }) => epoch === current && offset > ends[topic]);
    const origin = env.meta.get(COPY_MARK) !== undefined ? 'restored' : fellBack ? 'fell_back' : 'unchanged';
    if (origin !== 'unchanged') await begin(env, epochs, ends, origin, nowMs);
    return origin;
  } finally {
    await env.close();
  }
}

async function begin(env: Environment, epochs: readonly Epoch[], ends: Record<Topic, number>, because: Epoch['because'], nowMs: number): Promise<void> {
  const received: Epoch['received'] = [];
  for (const { key, value } of env.receipts.getRange({})) {
    const [project, source, minuteMs] = key as [string, string, number?];
    if (minuteMs === undefined) received.push({ project, source, received: value });
  }
  let beganAtMs = nowMs;
  for (const topic of ['events', 'quarantine'] as const) {
    const last = lastBatch(env.batches(topic, 0));
    if (last !== undefined) beganAtMs = Math.max(beganAtMs, last.receivedAtMs + 1);
  }
  const name = randomBytes(8).toString('hex');
  // The mark goes with the new epoch or not at all.
  await env.commit(() => [...epochPuts(env, [...epochs, { name, from: ends, beganAtMs, because, received }]), env.meta.remove(COPY_MARK)]);
}

function endsOf(env: Environment): Record<Topic, number> {
  const end = (topic: Topic): number => lastBatch(env.batches(topic, 0))?.endOffset ?? 0;
  return { events: end('events'), quarantine: end('quarantine') };
}
