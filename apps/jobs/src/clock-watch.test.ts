import { afterAll, beforeAll, expect, it } from 'vitest';
import { storedEvent, TestPipeline } from '@tidemark/processor/testing';
import { ClockDoubted, ClockWatch } from './clock-watch.ts';
import { idExpiry } from './id-expiry.ts';
import { retention } from './retention.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const YEARS_MS = 3_650 * DAY_MS;
const START_MS = Date.UTC(2026, 4, 3, 10);

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterAll(() => pipeline.close());

/** Receipts of these times, and none else. */
async function received(...timesMs: number[]): Promise<void> {
  await pipeline.warehouse.command('TRUNCATE TABLE outcomes');
  for (const ms of timesMs) {
    await pipeline.warehouse.command(`INSERT INTO outcomes (project, source, minute, outcome, events) VALUES ('p1', 'web', toDateTime(${ms / 1000}, 'UTC'), 'stored', 1)`);
  }
}

/** A machine whose clock can be set, with one that nobody sets beside it. */
function machine(atMs: number) {
  let [nowMs, steadyMs] = [atMs, 5_000];
  const boot = () => new ClockWatch({ warehouse: pipeline.warehouse, nowMs: () => nowMs, steadyMs: () => steadyMs });
  let watch = boot();
  return {
    nowMs: () => nowMs,
    doubt: () => watch.doubt(),
    set: (ms: number) => void (nowMs = ms),
    restart: () => void (watch = boot()),
    /** Goes on steadily, asked each hour. */
    async pass(ms: number) {
      for (let passed = 0; passed < ms; passed += HOUR_MS) {
        nowMs += HOUR_MS;
        steadyMs += HOUR_MS;
        await watch.doubt();
      }
    },
  };
}

it('believes the clock of a new server, and of one that received something yesterday', async () => {
  await received();
  expect(await machine(START_MS).doubt()).toBeUndefined();
  await received(START_MS - HOUR_MS);
  expect(await machine(START_MS).doubt()).toBeUndefined();
  await received(START_MS - 40 * DAY_MS, START_MS - 30 * HOUR_MS);
  expect(await machine(START_MS).doubt()).toBeUndefined();
});

for (const jumpMs of [3 * DAY_MS, YEARS_MS]) {
  it(`doubts a clock that jumped ${jumpMs / DAY_MS} days ahead for a day, whatever comes in by it, and over a restart`, async () => {
    await received(START_MS - 30 * HOUR_MS, START_MS);
    const server = machine(START_MS);
    expect(await server.doubt()).toBeUndefined();
    server.set(START_MS + jumpMs);
    expect(await server.doubt()).toMatch(/^The clock says .*, but of the days before nothing was received after 2026-05-03T10:00:00\.000Z; .*\.$/);
    await received(START_MS - 30 * HOUR_MS, START_MS, START_MS + jumpMs);
    await server.pass(12 * HOUR_MS);
    expect(await server.doubt()).toMatch(/^The clock says/);
    server.restart();
    expect(await server.doubt()).toMatch(/^The clock says/);
    // By the events of a day ago: this process has not seen a day yet.
    await server.pass(13 * HOUR_MS);
    expect(await server.doubt()).toBeUndefined();
  });
}

it('believes it again at once when it was set right, and after a day without an event too', async () => {
  await received(START_MS - 30 * HOUR_MS, START_MS);
  const server = machine(START_MS);
  server.set(START_MS + YEARS_MS);
  expect(await server.doubt()).toBeDefined();
  server.set(START_MS);
  expect(await server.doubt()).toBeUndefined();
  server.set(START_MS + YEARS_MS);
  expect(await server.doubt()).toBeDefined();
  await server.pass(23 * HOUR_MS);
  expect(await server.doubt()).toBeDefined();
  await server.pass(HOUR_MS);
  expect(await server.doubt()).toBeUndefined();
});

it('T8, X1: ten years ahead, nothing is deleted and no id forgotten; set right, the jobs go on', async () => {
  const old = storedEvent('old', { timeMs: START_MS - 40 * DAY_MS });
  await pipeline.append([storedEvent('young', { timeMs: START_MS - DAY_MS }), old]);
  const processor = await pipeline.processor();
  processor.start();
  expect(await processor.caughtUp(60_000)).toBe(true);
  await processor.stop();
  await received(START_MS - 30 * HOUR_MS, START_MS);
  const server = machine(START_MS);
  const settings = { list: async () => [{ id: 'p1' }], retentionDays: async () => 30 };
  const parts = { ...pipeline, settings, clock: server, confirmations: { isConfirmed: async () => false }, nowMs: server.nowMs };
  const jobs = [retention(parts), idExpiry(parts)];

  server.set(START_MS + YEARS_MS);
  for (const job of jobs) await expect(job.run()).rejects.toThrow(ClockDoubted);
  for (const table of ['events', 'timeline'] as const) expect(await pipeline.ids(table)).toEqual(['old', 'young']);
  expect(await pipeline.lakeIds()).toEqual(['old', 'young']);
  const { rows } = await pipeline.warehouse.query<{ ids: number }>('SELECT count() AS ids FROM event_ids');
  expect(Number(rows[0]!.ids)).toBe(2);

  server.set(START_MS);
  for (const job of jobs) await job.run();
  expect(await pipeline.ids('events')).toEqual(['young']);
  expect(await pipeline.lakeIds()).toEqual(['young']);
});
