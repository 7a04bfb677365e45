/** Rollups whose events expire stay as they were, whatever comes afterwards; and a deleted project's go. */
import { ask, personsOfHashes, plainIdentity, rollupDefinitions, type AskContext, type Meta } from '@tidemark/analytics';
import { purgeProject, retention, Rollups } from '@tidemark/jobs';
import type { Processor } from '@tidemark/processor';
import { storedEvent, TestPipeline } from '@tidemark/processor/testing';
import { readRollupState, ROLLUP_TABLES } from '@tidemark/warehouse';
import { afterEach, beforeEach, expect, it } from 'vitest';

const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;
const NOW_MS = Date.UTC(2026, 5, 1);
const OLD_MS = NOW_MS - 40 * DAY_MS;

let pipeline: TestPipeline;
let processor: Processor;
beforeEach(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
  processor = await pipeline.processor();
  processor.start();
});
afterEach(async () => {
  await processor.stop();
  await pipeline.close();
});

function rollups(watermarkMs = NOW_MS - 7_200_000): Rollups {
  const writer = { status: () => ({ watermarkMs }), between: <R>(work: () => Promise<R>) => processor.between(work), dirty: processor.dirty };
  return new Rollups({ warehouse: pipeline.warehouse, writer, definitionsOf: async () => rollupDefinitions(['properties.item']), personsOf: async (project) => personsOfHashes(plainIdentity(project)), clock: { doubt: async () => undefined } });
}

function retaining(job: Rollups) {
  const settings = { list: async () => [{ id: 'p1' }], retentionDays: async () => 30 };
  const sure = { clock: { doubt: async () => undefined }, confirmations: { isConfirmed: async () => true } };
  return retention({ warehouse: pipeline.warehouse, lake: pipeline.lake, settings, ...sure, nowMs: () => NOW_MS, expiring: (...which) => job.freeze(...which) });
}

async function add(...events: Parameters<typeof storedEvent>[1][]): Promise<void> {
  await pipeline.append(events.map((event, i) => storedEvent(`${event?.timeMs}-${event?.anonymousId}-${i}`, { userId: '', ...event })));
  await processor.caughtUp(60_000);
}

async function answer(series: object, more: object = {}) {
  const freshness = { status: () => ({ asOfMs: NOW_MS, watermarkMs: NOW_MS }), caughtUp: async () => true };
  const identities = { of: async (project: string) => plainIdentity(project) };
  const context: AskContext = { project: 'p1', warehouse: pipeline.warehouse, clock: () => NOW_MS, freshness, identities };
  const question = { from: new Date(OLD_MS - DAY_MS).toISOString(), to: new Date(OLD_MS + DAY_MS).toISOString(), series: [series], ...more };
  const { series: [line], meta } = (await ask('trend', question, context)) as unknown as { series: { total: number }[]; meta: Meta };
  return { total: line!.total, meta };
}

async function counted(measure: string) {
  const { total, meta } = await answer({ measure });
  return [total, meta.approximate];
}

it('keeps what was counted of events that expired', async () => {
  const job = rollups();
  await add({ anonymousId: 'd1', timeMs: OLD_MS }, { anonymousId: 'd2', timeMs: OLD_MS }, { anonymousId: 'd2', timeMs: OLD_MS + 1 }, { anonymousId: 'd1', timeMs: NOW_MS - DAY_MS });
  expect([await counted('events'), await counted('users')]).toEqual([[3, false], [2, false]]);
  // Not rolled up before: retention has it done first.
  await retaining(job).run();
  expect((await pipeline.ids('events')).length).toBe(1);
  expect([await counted('events'), await counted('users')]).toEqual([[3, true], [2, true]]);
  // The devices turn out to be one person's.
  await add({ userId: 'ann', anonymousId: 'd1', timeMs: NOW_MS - DAY_MS }, { userId: 'ann', anonymousId: 'd2', timeMs: NOW_MS - DAY_MS });
  expect(await counted('users')).toEqual([1, true]);
  // What comes later still into a frozen bucket does not replace what was counted.
  await add({ anonymousId: 'd3', timeMs: OLD_MS + 2 });
  await job.job.run();
  await processor.dirty.markStored();
  await job.job.run();
  expect(await counted('events')).toEqual([3, true]);
  expect(await readRollupState(pipeline.warehouse, 'p1')).toMatchObject({ frozenMs: NOW_MS - 30 * DAY_MS, dirtyBuckets: 0 });
});

it('estimates users of large sets once the events are gone, and says how well', async () => {
  const job = rollups();
  const visits = (fromMs: number, from: number, to: number) => Array.from({ length: to - from }, (_, i) => ({ anonymousId: `d${from + i}`, timeMs: fromMs, properties: `{"item":"${(from + i) % 2}"}` }));
  // 2,000 devices, of which a half comes in both quarters; 10 in a third one.
  await add(...visits(OLD_MS, 0, 1_500), ...visits(OLD_MS + QUARTER_MS, 500, 2_000), ...visits(OLD_MS + 2 * QUARTER_MS, 0, 10));
  const odd = { where: [{ property: 'properties.item', op: '=', value: '1' }] };
  const asked = async () => [await answer({ measure: 'users' }), await answer({ measure: 'users', ...odd }), await answer({ measure: 'events', ...odd })];
  await job.job.run();
  expect((await asked()).map(({ total, meta }) => [total, meta.approximate, meta.rollups.usersError])).toEqual([[2_000, false, 0], [1_000, false, 0], [1_505, false, 0]]);
  await retaining(job).run();
  await job.job.run();
  expect((await pipeline.ids('events')).length).toBe(0);
  const [all, half, events] = await asked();
  for (const [estimate, exact] of [[all, 2_000], [half, 1_000]] as const) {
    expect(Math.abs(estimate!.total / exact - 1)).toBeLessThan(4 * estimate!.meta.rollups.usersError);
    expect(estimate!.meta).toMatchObject({ approximate: true, rollups: { frozen: 2 * DAY_MS / QUARTER_MS } });
  }
  expect([events!.total, events!.meta.rollups.usersError]).toEqual([1_505, 0]);
  const { rows } = await pipeline.warehouse.query(`SELECT max(length(actors)) AS largest FROM rollup_rows AS r WHERE (property, time, version) IN (SELECT property, time, max(version) FROM rollup_buckets GROUP BY property, time)`);
  expect(rows).toEqual([{ largest: 10 }]);
});

it('says so, too, where what expired is in no rollup that the question could take', async () => {
  const job = rollups();
  await add({ anonymousId: 'd1', timeMs: OLD_MS, properties: '{"item":"1","colour":"red"}' }, { anonymousId: 'd1', timeMs: NOW_MS - DAY_MS, properties: '{"item":"1","colour":"red"}' });
  const where = (property: string) => ({ where: [{ property, op: '=', value: '1' }] });
  const series = [where('properties.item'), where('properties.colour'), { measure: { unique: 'properties.item' } }];
  const approximate = async (more: object = {}) => (await Promise.all(series.map((each) => answer(each, more)))).map(({ meta }) => meta.approximate);
  await job.job.run();
  expect(await approximate()).toEqual([false, false, false]);
  await retaining(job).run();
  expect(await approximate()).toEqual([true, true, true]);
  expect(await approximate({ rollups: false })).toEqual([true, true, true]);
  // Nothing of the last two days has expired, but of those that they are compared with.
  const late = { from: new Date(NOW_MS - 2 * DAY_MS).toISOString(), to: new Date(NOW_MS).toISOString() };
  expect(await approximate(late)).toEqual([false, false, false]);
  expect(await approximate({ ...late, compare: '40d' })).toEqual([true, true, true]);
});

it('deletes nothing that could not be rolled up before', async () => {
  await add({ anonymousId: 'd1', timeMs: OLD_MS });
  await expect(retaining(rollups(OLD_MS)).run()).rejects.toThrow('until the stores have caught up');
  expect((await pipeline.ids('events')).length).toBe(1);
});

it('is removed with its project', async () => {
  await add({ anonymousId: 'd1', timeMs: OLD_MS });
  await rollups().job.run();
  await add({ anonymousId: 'd2', timeMs: OLD_MS });
  await purgeProject('p1', { warehouse: pipeline.warehouse, lake: pipeline.lake, processor, sleep: async () => {} });
  for (const table of ROLLUP_TABLES) {
    const { rows } = await pipeline.warehouse.query(`SELECT 1 FROM ${table} WHERE project = 'p1'`);
    expect([table, rows.length]).toEqual([table, 0]);
  }
  expect(await counted('events')).toEqual([0, false]);
});
