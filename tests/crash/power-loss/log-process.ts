/**
 * The collector's log and the processor's positions under random load, in a process over the file layer: appends side by
 * side, of both topics, positions behind them, records dropped before the position. Tells of each step on stdout.
 */
import './without-sync.ts';
import { statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LmdbLogWriter, LmdbPositions, type Frames, type Topic } from '@tidemark/log';
import { seededRandom } from '../ledger.ts';
import type { LogNote, Step } from './log-ledger.ts';
import { recordAt } from './records.ts';

const [root = '', seedText = '0', appendsText = '0'] = process.argv.slice(2);
const seed = Number(seedText);
const random = seededRandom(seed);
const journal = process.env['TIDEMARK_LAYER_JOURNAL']!;

function tell(step: Step): void {
  // Synchronous: what is asked for must be told before it happens.
  writeSync(1, `${JSON.stringify({ ...step, at: statSync(journal).size } satisfies LogNote)}\n`);
}

const log = await LmdbLogWriter.open(join(root, 'log'));
const positions = new LmdbPositions(join(root, 'positions'));
const next: Record<Topic, number> = { events: 0, quarantine: 0 };
const acknowledged: Record<Topic, number> = { events: 0, quarantine: 0 };

function framesOf(topic: Topic, count: number): Frames {
  const parts: Buffer[] = [];
  for (let index = 0; index < count; index++) {
    const record = recordAt(seed, topic, next[topic]++);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(record.length);
    parts.push(length, record);
  }
  tell({ kind: 'appending', topic, end: next[topic] });
  return { topic, partition: 0, count, bytes: Buffer.concat(parts) };
}

async function append(): Promise<void> {
  const frames = [framesOf('events', 1 + Math.floor(random() * 30))];
  if (random() < 0.2) frames.push(framesOf('quarantine', 1 + Math.floor(random() * 3)));
  const ends = { ...next };
  const received = frames.reduce((sum, { count }) => sum + count, 0);
  const receivedAtMs = log.stamp();
  await log.append(frames, [{ project: 'p', source: `s${seed % 3}`, minuteMs: receivedAtMs - (receivedAtMs % 60_000), received }], receivedAtMs);
  for (const { topic } of frames) {
    acknowledged[topic] = Math.max(acknowledged[topic], ends[topic]);
    tell({ kind: 'appended', topic, end: ends[topic] });
  }
}

let committed = 0;
async function commit(): Promise<void> {
  committed = acknowledged.events;
  const offset = committed;
  tell({ kind: 'positioning', offset });
  await positions.set('events', 0, { epoch: log.epoch, offset, metadata: `up to ${offset}` });
  tell({ kind: 'positioned', offset });
  if (random() < 0.3) {
    tell({ kind: 'dropping', topic: 'events', end: offset });
    await log.drop('events', 0, offset, Infinity);
  }
}

const underWay = new Set<Promise<void>>();
for (let index = 0; index < Number(appendsText); index++) {
  const one = append();
  underWay.add(one);
  void one.finally(() => underWay.delete(one));
  if (underWay.size > 3 || random() < 0.4) await Promise.race(underWay);
  if (random() < 0.2) await commit();
}
await Promise.all(underWay);
await log.close();
await positions.close();
