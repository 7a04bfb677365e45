import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestPipeline, eventFrames, storedEvent } from '@tidemark/processor/testing';
import { accountingCheck, type AccountingDifference } from './accounting-check.ts';
import { cohortMembers } from './cohort-members.ts';
import { idExpiry } from './id-expiry.ts';
import { lakeCompaction } from './lake-compaction.ts';
import { purgeProject } from './purge.ts';
import { quarantineExpiry } from './quarantine-expiry.ts';
import { retention } from './retention.ts';

let pipeline: TestPipeline;
beforeEach(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterEach(() => pipeline.close());

const DAY_MS = 86_400_000;
const SURE = { clock: { doubt: async () => undefined }, confirmations: { isConfirmed: async () => false } };

it('removes a project from every store and leaves the others whole', async () => {
  await pipeline.append([storedEvent('a'), storedEvent('b', { project: 'gone' }), storedEvent('c', { project: 'gone' })]);
  const processor = await pipeline.processor();
  processor.start();
  await processor.caughtUp(60_000);
  await pipeline.append([storedEvent('d', { project: 'gone' })]);
  await pipeline.warehouse.command("INSERT INTO cohort_members VALUES ('gone', 'm1', 'uann'), ('p1', 'm2', 'uann')");
  await purgeProject('gone', { ...pipeline, processor, sleep: async () => {} });
  expect((await pipeline.warehouse.query('SELECT members FROM cohort_members')).rows).toEqual([{ members: 'm2' }]);
  expect(await pipeline.ids('events')).toEqual(['a']);
  expect(await pipeline.ids('timeline')).toEqual(['a']);
  expect(await pipeline.lakeIds()).toEqual(['a']);
  await lakeCompaction(pipeline.lake, pipeline.warehouse).run();
  expect(await pipeline.lakeIds()).toEqual(['a']);
  expect(await processor.balance()).toMatchObject({ received: 4, stored: 4, difference: 0 });
  await processor.stop();
});

it('removes ids that no static cohort keeps any more, and says how many', async () => {
  const left = [7, 0];
  const job = cohortMembers({ sweep: async () => left.shift()! });
  expect(await job.run()).toMatchObject({ rows: 7 });
  expect(await job.run()).toBeUndefined();
});

it('deletes what is older than its project keeps, and nothing where no retention is set', async () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const at = (days: number, project: string) => storedEvent(`${project}-${days}`, { project, timeMs: nowMs - days * DAY_MS });
  await pipeline.append([at(1, 'p1'), at(40, 'p1'), at(1, 'p2'), at(40, 'p2')]);
  const processor = await pipeline.processor();
  processor.start();
  await processor.caughtUp(60_000);
  await processor.stop();
  const days: Record<string, number | null> = { p1: 30, p2: null };
  const settings = {
    list: async () => [{ id: 'p1' }, { id: 'p2' }],
    retentionDays: async (project: string) => days[project] ?? null,
  };
  await retention({ ...pipeline, ...SURE, settings, nowMs: () => nowMs }).run();
  expect(await pipeline.ids('events')).toEqual(['p1-1', 'p2-1', 'p2-40']);
  expect(await pipeline.ids('timeline')).toEqual(['p1-1', 'p2-1', 'p2-40']);
  expect(await pipeline.lakeIds()).toEqual(['p1-1', 'p2-1', 'p2-40']);
});

it('breaks off between two files of the lake when it is told to stop, and goes on from there the next time', async () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const processor = await pipeline.processor();
  processor.start();
  for (const id of ['a', 'b']) {
    await pipeline.append([storedEvent(`old-${id}`, { timeMs: nowMs - 40 * DAY_MS }), storedEvent(`new-${id}`, { timeMs: nowMs })]);
    await processor.caughtUp(60_000);
  }
  await processor.stop();
  const settings = { list: async () => [{ id: 'p1' }], retentionDays: async () => 30 };
  const job = retention({ ...pipeline, ...SURE, settings, nowMs: () => nowMs });
  const stop = new AbortController();
  const replace = pipeline.lake.replace.bind(pipeline.lake);
  pipeline.lake.replace = async (remove, add) => {
    await replace(remove, add);
    stop.abort(new Error('The server is stopping.'));
  };
  await expect(job.run(stop.signal)).rejects.toThrow('The server is stopping.');
  expect(await pipeline.lakeIds()).toHaveLength(3);
  expect(await pipeline.ids('events')).toHaveLength(4);
  await job.run();
  for (const ids of [await pipeline.lakeIds(), await pipeline.ids('events'), await pipeline.ids('timeline')]) expect(ids).toEqual(['new-a', 'new-b']);
});

it('A1: deletes quarantined items behind their days, of the projects that say so; what was counted stays', async () => {
  const nowMs = Date.UTC(2026, 5, 1);
  const insert = (project: string, daysAgo: number) =>
    pipeline.warehouse.command(`INSERT INTO quarantine (project, received_at, source, code, offset, event_id)
      SELECT '${project}', fromUnixTimestamp64Milli(${nowMs - daysAgo * DAY_MS}, 'UTC'), 'web', 'wrong_type', ${daysAgo}, '${project}-${daysAgo}'`);
  for (const project of ['p1', 'p2']) for (const daysAgo of [1, 29, 31]) await insert(project, daysAgo);
  await pipeline.warehouse.command("INSERT INTO outcomes (project, source, minute, outcome, events) VALUES ('p1', 'web', now(), 'quarantined', 3)");
  const settings = { list: async () => [{ id: 'p1' }, { id: 'p2' }], quarantineDays: async (project: string) => (project === 'p1' ? 30 : null) };
  const job = quarantineExpiry({ ...pipeline, ...SURE, settings, nowMs: () => nowMs });
  expect(await job.run()).toMatchObject({ rows: 1 });
  expect(await job.run()).toBeUndefined();
  const { rows } = await pipeline.warehouse.query<{ event_id: string }>('SELECT event_id FROM quarantine ORDER BY event_id');
  expect(rows.map(({ event_id }) => event_id)).toEqual(['p1-1', 'p1-29', 'p2-1', 'p2-29', 'p2-31']);
  const counted = await pipeline.warehouse.query<{ events: number }>('SELECT sum(events) AS events FROM outcomes');
  expect(counted.rows).toEqual([{ events: 3 }]);
  expect(await quarantineExpiry({ ...pipeline, ...SURE, clock: { doubt: async () => 'The clock says so.' }, settings, nowMs: () => nowMs }).run()).toBeUndefined();
  await expect(quarantineExpiry({ ...pipeline, ...SURE, clock: { doubt: async () => 'The clock says so.' }, settings, nowMs: () => nowMs + 10 * DAY_MS }).run()).rejects.toMatchObject({ code: 'clock_doubted' });
});

it('forgets ids by whole weeks once they are older than the window', async () => {
  const insert = (daysAgo: number) =>
    pipeline.warehouse.command(`INSERT INTO event_ids (key, received_at) SELECT randomFixedString(16), now() - toIntervalDay(${daysAgo})`);
  for (const daysAgo of [0, 30, 60, 90]) await insert(daysAgo);
  expect(await idExpiry({ ...pipeline, ...SURE }).run()).toEqual({ rows: 2, did: expect.stringMatching(/forgot the weeks of .*, /) });
  const { rows } = await pipeline.warehouse.query<{ ids: number }>('SELECT count() AS ids FROM event_ids');
  expect(rows[0]?.ids).toBe(2);
});

it('A2: finds the very minute of a source in which the outcomes do not add up to what was received', async () => {
  await pipeline.append([storedEvent('a'), storedEvent('b', { source: 'ios' })]);
  const processor = await pipeline.processor();
  processor.start();
  await processor.caughtUp(60_000);
  await processor.stop();
  const found: AccountingDifference[][] = [];
  const later = { ...processor, status: () => ({ ...processor.status(), asOfMs: Date.now() + 120_000 }), balance: () => processor.balance() };
  const check = accountingCheck({ log: pipeline.reader, warehouse: pipeline.warehouse, processor: later as never, nowMs: Date.now, report: (all) => found.push(all) });
  expect((await check.run())?.did).toBe('2 minutes of sources checked, 0 differ');
  await pipeline.warehouse.command("ALTER TABLE outcomes DELETE WHERE source = 'ios' SETTINGS mutations_sync = 1");
  await check.run();
  expect(found).toEqual([[], [{ project: 'p1', source: 'ios', minuteMs: expect.any(Number), received: 1, accounted: 0 }]]);
});

it('A2: is not kept from old minutes by what waits, and leaves those alone that may still change', async () => {
  await pipeline.append([storedEvent('a')]);
  const processor = await pipeline.processor();
  processor.start();
  await processor.caughtUp(60_000);
  await processor.stop();
  const nowMs = Date.now();
  const waitingMs = nowMs + 5 * 60_000;
  const minuteMs = waitingMs - (waitingMs % 60_000);
  await pipeline.writer.append([eventFrames([storedEvent('b', { receivedAtMs: waitingMs })])], [{ project: 'p1', source: 'web', minuteMs, received: 1 }], waitingMs);
  const checked = async (status: object) => {
    const view = { status: () => ({ ...processor.status(), ...status }) };
    let differing = -1;
    const report = (all: AccountingDifference[]) => (differing = all.length);
    const told = await accountingCheck({ log: pipeline.reader, warehouse: pipeline.warehouse, processor: view as never, nowMs: () => nowMs, report }).run();
    return [told?.did, differing];
  };
  expect((await processor.balance()).pending).toBe(1);
  expect(await checked({ asOfMs: nowMs + 120_000 })).toEqual(['1 minutes of sources checked, 0 differ', 0]);
  expect(await checked({ asOfMs: nowMs })).toEqual(['0 minutes of sources checked, 0 differ', 0]);
  expect(await checked({ asOfMs: nowMs + 120_000, quarantineWaitingSinceMs: nowMs })).toEqual(['0 minutes of sources checked, 0 differ', 0]);
  expect(await checked({ asOfMs: 0 })).toEqual([undefined, -1]);
});
