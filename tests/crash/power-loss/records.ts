import type { Topic } from '@tidemark/log';
import { seededRandom } from '../ledger.ts';

/** The record that the run with this seed appends at an offset: so what a log must hold needs no list. */
export function recordAt(seed: number, topic: Topic, offset: number): Buffer {
  const random = seededRandom(seed * 1_000_003 + offset * 2 + (topic === 'events' ? 0 : 1));
  const length = random() < 0.05 ? 3_000 + Math.floor(random() * 9_000) : 20 + Math.floor(random() * 400);
  const bytes = Buffer.alloc(length, `${topic} ${offset} of ${seed}; `);
  bytes.writeDoubleLE(random(), length - 8);
  return bytes;
}
