import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestPipeline, storedEvent } from '@tidemark/processor/testing';
import { partMerging } from './part-merging.ts';

let pipeline: TestPipeline;
beforeEach(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterEach(() => pipeline.close());

const inAMinute = (): number => Date.now() + 60_000;

/** One part each. */
async function store(...lots: number[]): Promise<string[]> {
  const processor = await pipeline.processor();
  processor.start();
  const ids: string[] = [];
  for (const [lot, size] of lots.entries()) {
    const events = Array.from({ length: size }, (_, index) => storedEvent(`${lot}-${index}`));
    await pipeline.append(events);
    await processor.caughtUp(60_000);
    ids.push(...events.map(({ eventId }) => eventId));
  }
  await processor.stop();
  return ids.toSorted();
}

async function partsOf(table: string): Promise<number> {
  const { rows } = await pipeline.warehouse.query<{ parts: number }>(`SELECT count() AS parts FROM system.parts WHERE database = currentDatabase() AND active AND table = '${table}'`);
  return Number(rows[0]?.parts);
}

it('brings the parts of a table that rests together, and changes no row', async () => {
  const ids = await store(3, 2, 4);
  expect(await partsOf('timeline')).toBe(3);
  expect(await partMerging(pipeline.warehouse, Date.now).run()).toBeUndefined();
  expect(await partsOf('timeline')).toBe(3);
  const job = partMerging(pipeline.warehouse, inAMinute);
  expect(await job.run()).toMatchObject({ rows: 18, did: '6 parts became 2' });
  expect([await partsOf('timeline'), await partsOf('events')]).toEqual([1, 3]);
  expect(await pipeline.ids('timeline')).toEqual(ids);
  expect(await job.run()).toBeUndefined();
});

it('leaves a trickle beside a large part', async () => {
  await store(40, 1, 2);
  expect(await partMerging(pipeline.warehouse, inAMinute).run()).toBeUndefined();
  expect(await partsOf('timeline')).toBe(3);
});
