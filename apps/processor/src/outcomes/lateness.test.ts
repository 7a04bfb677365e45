import fc from 'fast-check';
import { CATALOGUE } from '@tidemark/metrics';
import { expect, it } from 'vitest';
import type { Verdict } from '../dedup/deduplicate.ts';
import { Lateness } from './lateness.ts';
import { eventFrames, storedEvent } from '../testing.ts';

const RECEIVED_MS = Date.UTC(2026, 4, 3, 10);
const WATERMARK_MS = RECEIVED_MS - 2 * 3_600_000;

interface Sent {
  project: string;
  lateMs: number;
  verdict: Verdict;
}

function committed(sent: readonly Sent[]) {
  const { count, bytes } = eventFrames(sent.map(({ project, lateMs }, index) => storedEvent(`e${index}`, { project, receivedAtMs: RECEIVED_MS, timeMs: RECEIVED_MS - lateMs })));
  const range = { epoch: 'e', partition: 0, from: 0, to: count };
  return { range, batches: [{ baseOffset: 0, count, receivedAtMs: RECEIVED_MS, format: 0, bytes }], verdicts: sent.map(({ verdict }) => verdict) };
}

const sent = fc.record({
  project: fc.constantFrom('p1', 'p2'),
  lateMs: fc.oneof(fc.integer({ min: -3_600_000, max: 8 * 86_400_000 }), fc.constantFrom(1_000, 1_001, 7_200_000, 7_200_001, 604_800_000, 604_800_001)),
  verdict: fc.constantFrom<Verdict>('keep', 'keep', 'duplicate', 'conflict', 'refused'),
});

it('counts each stored event once, in the first bucket that holds it, and those behind the watermark', () => {
  fc.assert(
    fc.property(fc.array(fc.array(sent, { minLength: 1, maxLength: 20 }), { maxLength: 4 }), (ranges) => {
      const lateness = new Lateness();
      let behind = 0;
      for (const range of ranges) behind += lateness.add(committed(range), WATERMARK_MS);
      const kept = ranges.flat().filter(({ verdict }) => verdict === 'keep');
      expect(behind).toBe(kept.filter(({ lateMs }) => lateMs > 7_200_000).length);
      for (const project of ['p1', 'p2']) {
        const own = kept.filter((event) => event.project === project);
        const counts = lateness.counts.get(project);
        expect(counts?.events ?? 0).toBe(own.length);
        let lower = -Infinity;
        for (const { upToMs, events } of counts?.buckets ?? []) {
          const upper = upToMs ?? Infinity;
          expect(events, `up to ${upToMs}`).toBe(own.filter(({ lateMs }) => lateMs > lower && lateMs <= upper).length);
          lower = upper;
        }
        expect(counts?.behindWatermark ?? 0).toBe(own.filter(({ lateMs }) => lateMs > 7_200_000).length);
      }
    }),
    { numRuns: 60 },
  );
});

it('has the bounds of its metric', () => {
  const lateness = new Lateness();
  lateness.add(committed([{ project: 'p1', lateMs: 0, verdict: 'keep' }]), WATERMARK_MS);
  const bounds = lateness.counts.get('p1')!.buckets.map(({ upToMs }) => upToMs);
  expect(bounds).toEqual([...CATALOGUE.tidemark_event_lateness_seconds.buckets.map((seconds) => seconds * 1_000), null]);
});
