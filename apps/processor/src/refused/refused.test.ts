/** Rows that a store refuses, over a real log and a real chDB: a text that is no JSON is what the column `properties` refuses. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { StoredEvent } from '@tidemark/event';
import { WarehouseError } from '@tidemark/warehouse';
import type { ProcessorParts } from '../processor.ts';
import type { LiveOutcome } from '../status.ts';
import { eventFrames, storedEvent, TestPipeline } from '../testing.ts';

let pipeline: TestPipeline;
beforeEach(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterEach(() => pipeline.close());

const broken = (eventId: string, change: Partial<StoredEvent> = {}) => storedEvent(eventId, { properties: '{broken', ...change });

async function runToEnd(options: Partial<ProcessorParts> = {}) {
  const processor = await pipeline.processor(options);
  const live: LiveOutcome[] = [];
  processor.subscribe((outcomes) => live.push(...outcomes));
  processor.start();
  expect(await processor.caughtUp(60_000)).toBe(true);
  await processor.stop();
  return { balance: await processor.balance(), live };
}

/** Runs until it dies at `point`, once. */
async function runToDeath(point: string): Promise<void> {
  let died = false;
  const processor = await pipeline.processor({
    crashPoint: (name) => {
      if (name !== point || died) return;
      died = true;
      throw new Error(`died when ${name}`);
    },
    observer: { committed: () => {}, wrote: () => {}, failed: () => died && void processor.stop() },
  });
  processor.start();
  while (!died) await new Promise((resolve) => setTimeout(resolve, 10));
  await processor.stop();
}

async function quarantined(): Promise<{ event_id: string; code: string; detail: string; original: string; offset: number }[]> {
  const { rows } = await pipeline.warehouse.query<{ event_id: string; code: string; detail: string; original: string; offset: number }>(
    'SELECT event_id, code, detail, original, offset FROM quarantine ORDER BY topic, offset',
  );
  return rows;
}

async function expectStored(expected: readonly string[]): Promise<void> {
  const sorted = expected.toSorted();
  expect(await pipeline.ids('events')).toEqual(sorted);
  expect(await pipeline.ids('timeline')).toEqual(sorted);
  expect(await pipeline.lakeIds()).toEqual(sorted);
  const { rows } = await pipeline.warehouse.query<{ ids: number }>('SELECT count() AS ids FROM event_ids');
  expect(rows[0]!.ids).toBe(expected.length);
}

it('X6: a refused row goes to quarantine with the words of the store, its neighbours are stored', async () => {
  const good = Array.from({ length: 100 }, (_, i) => storedEvent(`e${i}`, { timeMs: Date.UTC(2026, i % 2, 10) }));
  await pipeline.append([...good.slice(0, 50), broken('bad', { sequence: 7, flags: 2, traits: '{"plan":"pro"}' }), ...good.slice(50)]);
  const { balance, live } = await runToEnd();

  await expectStored(good.map(({ eventId }) => eventId));
  const rows = await quarantined();
  expect(rows).toMatchObject([{ event_id: 'bad', code: 'store_refused', offset: 50 }]);
  expect(rows[0]!.detail).toMatch(/^events: the properties are no JSON object/);
  expect(JSON.parse(rows[0]!.original)).toMatchObject({
    eventId: 'bad', eventName: 'click', type: 'track', userId: 'u1', sequence: 7, timestamp: '2026-01-15T10:00:00.000Z',
    properties: '{broken', context: {}, traits: { plan: 'pro' },
  });
  expect(balance).toMatchObject({ received: 101, stored: 100, quarantined: 1, duplicate: 0, pending: 0, difference: 0 });
  expect(live.filter(({ outcome }) => outcome !== 'stored')).toMatchObject([{ project: 'p1', outcome: 'quarantined', code: 'store_refused', eventId: 'bad', eventName: 'click' }]);
  const { rows: counts } = await pipeline.warehouse.query(`SELECT code, sum(events) AS events FROM outcomes WHERE outcome = 'quarantined' GROUP BY code`);
  expect(counts).toEqual([{ code: 'store_refused', events: 1 }]);
  const { rows: twins } = await pipeline.warehouse.query(`SHOW TABLES LIKE 'trial_%'`);
  expect(twins).toEqual([]);
});

it('X6: finds several in one range, first, last and side by side, and a range of nothing else', async () => {
  const bad = new Set([0, 17, 18, 19, 100, 199]);
  const events = Array.from({ length: 200 }, (_, i) => (bad.has(i) ? broken(`e${i}`) : storedEvent(`e${i}`)));
  await pipeline.append(events);
  await runToEnd();
  await pipeline.append([broken('x'), broken('y')]);
  const { balance } = await runToEnd();
  await expectStored(events.filter((_, i) => !bad.has(i)).map(({ eventId }) => eventId));
  expect((await quarantined()).map(({ event_id }) => event_id)).toEqual(['e0', 'e17', 'e18', 'e19', 'e100', 'e199', 'x', 'y']);
  expect(balance).toMatchObject({ received: 202, stored: 194, quarantined: 8, pending: 0, difference: 0 });
});

for (const ranges of ['one range', 'many ranges'] as const) {
  it(`X6: a refused row is no first copy of its id, in ${ranges}`, async () => {
    const events = [broken('a'), storedEvent('b'), broken('a'), storedEvent('a'), broken('a'), broken('b')];
    if (ranges === 'one range') await pipeline.append(events);
    const processor = await pipeline.processor();
    processor.start();
    for (const event of ranges === 'many ranges' ? events : []) {
      await pipeline.append([event]);
      expect(await processor.caughtUp(60_000)).toBe(true);
    }
    expect(await processor.caughtUp(60_000)).toBe(true);
    await processor.stop();
    await expectStored(['a', 'b']);
    expect((await quarantined()).map(({ event_id, offset }) => [event_id, offset])).toEqual([['a', 0], ['a', 2]]);
    expect(await processor.balance()).toMatchObject({ received: 6, stored: 2, quarantined: 2, duplicate: 2, conflict: 2, pending: 0, difference: 0 });
  });
}

for (const point of ['planned', 'refused', 'applied', 'quarantined', 'counted', 'committed'] as const) {
  it(`X6: a second try decides the same after a death when a range is ${point}`, async () => {
    const bad = new Set([3, 40, 41]);
    const events = Array.from({ length: 60 }, (_, i) => (bad.has(i) ? broken(`e${i}`) : storedEvent(`e${i % 50}`, { timeMs: Date.UTC(2026, i % 3, 10) })));
    await pipeline.append(events);
    await runToDeath(point);
    const position = pipeline.positions.get('events', 0)!;
    const told = position.metadata === '' ? undefined : (JSON.parse(position.metadata) as { refused?: [number, string][] }).refused;
    const decided = point === 'planned' || point === 'committed' ? undefined : [3, 40, 41];
    expect(told?.map(([offset]) => offset)).toEqual(decided);
    const { balance } = await runToEnd();
    await expectStored([...new Set(events.filter(({ properties }) => properties !== '{broken').map(({ eventId }) => eventId))]);
    expect((await quarantined()).map(({ event_id, offset }) => [event_id, offset])).toEqual([['e3', 3], ['e40', 40], ['e41', 41]]);
    expect(balance).toMatchObject({ received: 60, stored: 48, quarantined: 3, duplicate: 9, pending: 0, difference: 0 });
  });
}

it('X6: a lost position changes nothing: the refused rows are refused again, and are in quarantine once', async () => {
  const events = [storedEvent('a'), broken('b'), storedEvent('c')];
  await pipeline.append(events);
  await runToDeath('quarantined');
  await pipeline.losePositions();
  await pipeline.append([storedEvent('d'), broken('e')]);
  const { balance } = await runToEnd();
  await expectStored(['a', 'c', 'd']);
  expect((await quarantined()).map(({ event_id }) => event_id)).toEqual(['b', 'e']);
  expect(balance).toMatchObject({ received: 5, stored: 3, quarantined: 2, pending: 0, difference: 0 });
});

it('X6: the offsets of both topics are kept apart', async () => {
  await pipeline.append([broken('from the log')]);
  const receivedAtMs = pipeline.writer.stamp();
  const item = { kind: 'item', project: 'p1', source: 'web', receivedAtMs, code: 'invalid_name', detail: '', faults: [], eventId: 'from the collector', eventName: '', original: '{}', encoding: 'utf8' };
  const json = Buffer.from(JSON.stringify(item));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  await runToEnd();
  const receipt = { project: 'p1', source: 'web', minuteMs: receivedAtMs - (receivedAtMs % 60_000), received: 1 };
  await pipeline.writer.append([{ topic: 'quarantine', partition: 0, count: 1, bytes: Buffer.concat([length, json]) }], [receipt], receivedAtMs);
  const processor = await pipeline.processor();
  processor.start();
  await expect.poll(async () => (await processor.balance()).pending).toBe(0);
  await processor.stop();
  expect((await quarantined()).map(({ event_id, offset }) => [event_id, offset])).toEqual([['from the log', 0], ['from the collector', 0]]);
  expect(await processor.balance()).toMatchObject({ received: 2, quarantined: 2, pending: 0, difference: 0 });
});

it('X6: a row that breaks off is quarantined as its bytes, without shifting those behind it', async () => {
  const { bytes } = eventFrames([storedEvent('a'), storedEvent('torn'), storedEvent('c')]);
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32LE(at)) frames.push(bytes.subarray(at + 4, at + 4 + bytes.readUInt32LE(at)));
  frames[1] = frames[1]!.subarray(0, frames[1]!.length - 14);
  const torn = Buffer.concat(frames.flatMap((row) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(row.length);
    return [length, row];
  }));
  const receivedAtMs = pipeline.writer.stamp();
  await pipeline.writer.append([{ topic: 'events', partition: 0, count: 3, bytes: torn }], [{ project: 'p1', source: 'web', minuteMs: 0, received: 3 }], receivedAtMs);
  const { balance } = await runToEnd();
  await expectStored(['a', 'c']);
  const { rows } = await pipeline.warehouse.query<{ hex: string; event_id: string }>('SELECT hex(original) AS hex, event_id FROM quarantine');
  expect(rows).toEqual([{ hex: frames[1]!.toString('hex').toUpperCase(), event_id: '' }]);
  expect(balance).toMatchObject({ received: 3, stored: 2, quarantined: 1, pending: 0, difference: 0 });
});

it('X6: no row is to blame for a store that takes not even none, nor for what does not come again', async () => {
  const command = pipeline.warehouse.command.bind(pipeline.warehouse);
  const failures: unknown[] = [];
  let schemaFailures = 3;
  pipeline.warehouse.command = async (sql) => {
    if (/INSERT INTO (trial_)?events/.test(sql) && schemaFailures > 0) {
      schemaFailures--;
      throw new WarehouseError('no such column', 16);
    }
    return command(sql);
  };
  await pipeline.append([storedEvent('a'), storedEvent('b')]);
  const { balance } = await runToEnd({ observer: { committed: () => {}, wrote: () => {}, failed: (_, error) => failures.push(error) } });
  expect(failures.map((error) => (error as WarehouseError).number)).toEqual([16, 16]);
  await expectStored(['a', 'b']);
  expect(await quarantined()).toEqual([]);
  expect(balance).toMatchObject({ received: 2, stored: 2, difference: 0 });
});

it('X3: out of memory is tried again, when the first try has ended in every store', async () => {
  const command = pipeline.warehouse.command.bind(pipeline.warehouse);
  let failed = false;
  let trials = 0;
  pipeline.warehouse.command = async (sql) => {
    if (sql.startsWith('INSERT INTO events') && !failed) {
      failed = true;
      throw new WarehouseError('memory limit exceeded', 241);
    }
    if (sql.includes('trial_')) trials++;
    if (sql.startsWith('INSERT INTO timeline')) await new Promise((resolve) => setTimeout(resolve, 700));
    return command(sql);
  };
  await pipeline.append([storedEvent('a'), storedEvent('b')]);
  const { balance } = await runToEnd();
  await expectStored(['a', 'b']);
  expect(trials, 'no row was under suspicion').toBe(0);
  expect(balance).toMatchObject({ received: 2, stored: 2, difference: 0 });
});
