/** From a project's setting through the job to trends that come from rollups, history included (rule T9); and what happens to wrong ones. */
import { truncateSync } from 'node:fs';
import { join } from 'node:path';
import { ChdbWarehouse } from '@tidemark/warehouse';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { noteDoubt } from '../../apps/server/src/start/doubted-stores.ts';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, until, type Json } from './project.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A whole day that the watermark has passed. */
const FROM_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS - 2 * DAY_MS;
const DAY = { from: new Date(FROM_MS).toISOString(), to: new Date(FROM_MS + DAY_MS).toISOString(), granularity: 'hour' };

let server: ServerUnderTest;
let shop: Project;
beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
  // Each hour three devices, of which the third logs in as the first one's user; items 0 to 4 in turns.
  await shop.send(Array.from({ length: 24 * 3 }, (_, i) => visit(i)));
});
afterAll(() => server.stop());

function visit(i: number, change: Json = {}): Json {
  return { eventId: `v${i}`, eventName: 'view', anonymousId: `d${i % 3}`, ...(i % 3 === 1 ? {} : { userId: 'ann' }), timestamp: FROM_MS + Math.floor(i / 3) * HOUR_MS + i, properties: { item: `i${i % 5}` }, ...change };
}

const plain = { ...DAY, series: [{ measure: 'users' }, {}] };
const byItem = { ...DAY, series: [{ measure: 'users' }, {}], breakdown: ['properties.item'] };

/** With rollups and without, which must be the same; resolves to how many quarters came from rollups, and the events of all items. */
async function asked(question: Json = byItem): Promise<{ buckets: number; events: number }> {
  const [rollups, events] = [await shop.ask('trend', { ...question, cache: false }), await shop.ask('trend', { ...question, cache: false, rollups: false })];
  expect(rollups['series']).toEqual(events['series']);
  expect(events['meta'].rollups.buckets).toBe(0);
  const lines = rollups['series'].filter(({ label }: Json, i: number) => label === 'Any event' && i >= rollups['series'].length / 2);
  return { buckets: rollups['meta'].rollups.buckets, events: lines.reduce((sum: number, { total }: Json) => sum + total, 0) };
}

/** With all that was sent: while some of it waits the watermark stands still. */
async function rollUp(): Promise<Json> {
  await shop.settled();
  const job = await shop.api('/api/jobs/rollups/run', {});
  expect(job).toMatchObject({ lastError: null, running: false });
  return job;
}

it('a property that is named is counted over history, by the job, and trends by it come from rollups', async () => {
  await rollUp();
  expect((await asked(plain)).buckets).toBe(96);
  expect(await asked()).toEqual({ buckets: 0, events: 72 });
  await shop.api(`/api/projects/${shop.id}/settings`, { rollups: { properties: ['properties.item'] } }, { method: 'PUT' });
  const progress = async () => (await shop.api('/api/pipeline'))['rollups'].properties;
  expect(await progress()).toMatchObject([{ property: 'properties.item', missing: 24 }]);
  expect((await rollUp())['lastResult']).toContain('by a property that the project named since');
  expect(await progress()).toMatchObject([{ property: 'properties.item', missing: 0 }]);
  expect(await asked()).toEqual({ buckets: 96, events: 72 });
});

it('what comes late is counted of events until the job has been there again', async () => {
  await shop.send([visit(100, { timestamp: FROM_MS + 60_000, properties: { item: 'i9' } })]);
  expect(await asked()).toEqual({ buckets: 95, events: 73 });
  await rollUp();
  expect(await asked()).toEqual({ buckets: 96, events: 73 });
  // A login of a day that is rolled up changes who is counted, and no rollup.
  await shop.send([visit(101, { anonymousId: 'd1', userId: 'ann', timestamp: Date.now() })]);
  expect((await asked()).buckets).toBe(96);
});

it('a property that is taken off is counted of events again', async () => {
  await shop.api(`/api/projects/${shop.id}/settings`, { rollups: { properties: [] } }, { method: 'PUT' });
  await shop.send([visit(102, { timestamp: FROM_MS + 60_001 })]);
  await rollUp();
  expect(await asked()).toEqual({ buckets: 95, events: 74 });
});

/** Of the server that has ended. */
async function inWarehouse<Result>(work: (warehouse: ChdbWarehouse) => Promise<Result>): Promise<Result> {
  const warehouse = await ChdbWarehouse.open({ path: join(server.dataPath, 'warehouse') });
  try {
    return await work(warehouse);
  } finally {
    await warehouse.close();
  }
}

async function startAgain(): Promise<void> {
  server = await ServerUnderTest.start({ dataPath: server.dataPath });
  await server.ready();
  shop = await Project.first(server);
}

it('wrong ones are gone after a rebuild, broken ones after the next start', async () => {
  await server.end();
  await inWarehouse((warehouse) => warehouse.command('ALTER TABLE rollup_rows UPDATE events = events + 1 WHERE 1 SETTINGS mutations_sync = 1'));
  await startAgain();
  // Nobody could know: this is what must not stay.
  await expect(asked(plain)).rejects.toThrow('to deeply equal');
  await shop.api('/api/rebuild', {}, { status: 202 });
  await until(async () => (await shop.api('/api/rebuild'))['state'] === 'done', 'the rebuild to be done');
  expect((await asked(plain)).events).toBe(74);
  await rollUp();
  expect(await asked(plain)).toEqual({ buckets: 96, events: 74 });

  await server.end();
  const parts = await inWarehouse((warehouse) => warehouse.query<{ path: string }>("SELECT path FROM system.parts WHERE active AND table = 'rollup_rows' AND database = currentDatabase()"));
  for (const { path } of parts.rows) truncateSync(join(path, 'data.bin'), 10);
  noteDoubt(join(server.dataPath, 'warehouse'));
  await startAgain();
  expect((await asked(plain)).events).toBe(74);
  await rollUp();
  expect(await asked(plain)).toEqual({ buckets: 96, events: 74 });
}, 120_000);
