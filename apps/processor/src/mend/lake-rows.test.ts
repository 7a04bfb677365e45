import { afterAll, beforeAll, expect, it } from 'vitest';
import { shadowOf, createShadows } from '@tidemark/warehouse';
import { storedEvent, TestPipeline } from '../testing.ts';
import { insertEventsFromLake } from './lake-rows.ts';

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterAll(() => pipeline.close());

it('gives each row what its own properties make, in however many pieces, from any files, but for what is not missing', async () => {
  const { warehouse, lake } = pipeline;
  const processor = await pipeline.processor();
  processor.start();
  for (const lot of [0, 40, 80]) {
    await pipeline.append(Array.from({ length: 40 }, (_, i) => storedEvent(`e${lot + i}`, { properties: `{"n":${lot + i},"list":[1,{"no":${i}}],"text":"${'x'.repeat((lot + i) % 50)}"}` })));
    await expect.poll(async () => (await processor.balance()).pending).toBe(0);
  }
  await processor.stop();
  const rows = async (table: string, condition = 'true') => (await warehouse.query(`SELECT * FROM ${table} WHERE ${condition} ORDER BY offset`)).rows;
  const all = await rows('events');
  expect(all.length).toBe(120);
  const files = [...lake.manifest.files].toReversed();
  const parts = { warehouse, lake, temporaryFolder: warehouse.temporaryFolder };
  for (const indexBytes of [1, 1 << 20]) {
    await createShadows(warehouse, ['events']);
    const half = { files, condition: 'offset % 2 = 0' };
    await insertEventsFromLake(parts, shadowOf('events'), half, indexBytes);
    expect(await rows('rebuild_events')).toEqual(await rows('events', 'offset % 2 = 0'));
    await insertEventsFromLake(parts, shadowOf('events'), { files, condition: 'true', missing: 'offset NOT IN (SELECT offset FROM rebuild_events)' }, indexBytes);
    expect(await rows('rebuild_events')).toEqual(all);
  }
});
