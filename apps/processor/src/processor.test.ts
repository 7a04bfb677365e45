import { afterEach, beforeEach, expect, it } from 'vitest';
import { FLAG, type StoredEvent } from '@tidemark/event';
import type { Processor, ProcessorParts } from './processor.ts';
import { TestPipeline, storedEvent } from './testing.ts';
import type { LiveOutcome } from './status.ts';

let pipeline: TestPipeline;

beforeEach(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});

afterEach(() => pipeline.close());

async function runToEnd(options: Partial<ProcessorParts> = {}): Promise<Processor> {
  const processor = await pipeline.processor(options);
  processor.start();
  expect(await processor.caughtUp(60_000)).toBe(true);
  return processor;
}

it('X1: stores each id once, whatever came twice: in one append, in a later one, after a restart', async () => {
  await pipeline.append([storedEvent('a'), storedEvent('b'), storedEvent('a')]);
  let processor = await runToEnd();
  await pipeline.append([storedEvent('b'), storedEvent('c')]);
  expect(await processor.caughtUp(60_000)).toBe(true);
  await processor.stop();
  await pipeline.append([storedEvent('a', { properties: '{"n":2}' }), storedEvent('d'), storedEvent('a', { project: 'p2' })]);
  processor = await runToEnd();
  await processor.stop();

  const expected = ['a', 'a', 'b', 'c', 'd'];
  expect(await pipeline.ids('events')).toEqual(expected);
  expect(await pipeline.ids('timeline')).toEqual(expected);
  expect(await pipeline.lakeIds()).toEqual(expected);
  expect(await processor.balance()).toEqual({
    received: 8, stored: 5, duplicate: 3, conflict: 1, quarantined: 0, filtered: 0, rejected: 0, pending: 0, difference: 0,
  });
  expect(await processor.balance('p2')).toMatchObject({ received: 1, stored: 1, difference: 0 });
});

class Crash extends Error {}

for (const point of ['planned', 'applied', 'counted', 'committed'] as const) {
  it(`X3: comes to the same after a death when a range is ${point}`, async () => {
    const events: StoredEvent[] = [];
    for (let i = 0; i < 300; i++) events.push(storedEvent(`e${i % 250}`, { timeMs: Date.UTC(2026, i % 3, 10), userId: `u${i % 7}` }));
    await pipeline.append(events.slice(0, 200));
    let crashed = 0;
    const crashing = await pipeline.processor({
      crashPoint: (name) => {
        if (name !== point || crashed > 0) return;
        crashed++;
        throw new Crash(name);
      },
      observer: { committed: () => {}, wrote: () => {}, failed: () => void crashing.stop() },
    });
    crashing.start();
    while (crashed === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await crashing.stop();
    await pipeline.append(events.slice(200));
    const processor = await runToEnd();
    await processor.stop();

    const expected = [...new Set(events.map((event) => event.eventId))].toSorted();
    expect(await pipeline.ids('events')).toEqual(expected);
    expect(await pipeline.ids('timeline')).toEqual(expected);
    expect(await pipeline.lakeIds()).toEqual(expected);
    expect(await processor.balance()).toMatchObject({ received: 300, stored: 250, duplicate: 50, pending: 0, difference: 0 });
  });
}

it('X3: takes a range through as it was decided, also where a later version would take less at once', async () => {
  const ids = Array.from({ length: 7 }, (_, i) => `e${i}`);
  for (const id of ids) await pipeline.append([storedEvent(id)]);
  const crashing = await pipeline.processor({
    crashPoint: () => {
      throw new Crash('planned');
    },
    observer: { committed: () => {}, wrote: () => {}, failed: () => void crashing.stop() },
  });
  crashing.start();
  await expect.poll(() => pipeline.positions.get('events', 0)?.metadata).toContain('"to":7');
  await crashing.stop();

  const read = pipeline.reader.read.bind(pipeline.reader);
  pipeline.reader.read = (topic, partition, from, bounds) => read(topic, partition, from, { ...bounds, maxRecords: 2 });
  const processor = await runToEnd();
  await processor.stop();
  expect(await pipeline.ids('events')).toEqual(ids);
  expect(await pipeline.lakeIds()).toEqual(ids);
  expect(await processor.balance()).toMatchObject({ received: 7, stored: 7, pending: 0, difference: 0 });
});

it('X3: writes only what is missing when a first try wrote a part', async () => {
  const events = Array.from({ length: 100 }, (_, i) => storedEvent(`e${i}`, { timeMs: Date.UTC(2026, i % 2, 10) }));
  await pipeline.append(events);
  let broken = true;
  const command = pipeline.warehouse.command.bind(pipeline.warehouse);
  // A store that took one month of two and then failed, as an insert over two partitions may.
  pipeline.warehouse.command = async (sql) => {
    if (!broken || !sql.startsWith('INSERT INTO events')) return command(sql);
    broken = false;
    await command(`${sql} WHERE toMonth(time) = 1`);
    throw new Error('disk full');
  };
  const processor = await runToEnd();
  await processor.stop();
  expect(broken).toBe(false);
  expect((await pipeline.ids('events')).length).toBe(100);
  expect(new Set(await pipeline.ids('events')).size).toBe(100);
  expect((await pipeline.ids('timeline')).length).toBe(100);
});

for (const point of ['applied', 'committed'] as const) {
  it(`X4: finds a lost position again in the stores, after a death when a range is ${point}`, async () => {
    const events = Array.from({ length: 120 }, (_, i) => storedEvent(`e${i % 100}`, { timeMs: Date.UTC(2026, i % 2, 10) }));
    await pipeline.append(events.slice(0, 60));
    let died = false;
    const dying = await pipeline.processor({
      crashPoint: (name) => {
        if (name !== point || died || dying.status().committedOffset < (point === 'applied' ? 60 : 1)) return;
        died = true;
        throw new Crash(name);
      },
      observer: { committed: () => {}, wrote: () => {}, failed: () => void dying.stop() },
    });
    dying.start();
    if (point === 'applied') {
      await dying.caughtUp(60_000);
      await pipeline.append(events.slice(60));
    }
    while (!died) await new Promise((resolve) => setTimeout(resolve, 10));
    await dying.stop();
    if (point === 'committed') await pipeline.append(events.slice(60));
    await pipeline.losePositions();
    const processor = await runToEnd();
    await processor.stop();
    const expected = [...new Set(events.map((event) => event.eventId))].toSorted();
    expect(await pipeline.ids('events')).toEqual(expected);
    expect(await pipeline.ids('timeline')).toEqual(expected);
    expect(await pipeline.lakeIds()).toEqual(expected);
    expect(await processor.balance()).toMatchObject({ received: 120, stored: 100, duplicate: 20, pending: 0, difference: 0 });
  });
}

it('X7: an import changes nothing when it comes again, even after its ids were forgotten', async () => {
  const imported = (eventId: string) => storedEvent(eventId, { flags: FLAG.timestampGiven | FLAG.imported });
  await pipeline.append([imported('a'), imported('b'), imported('with\0nul "quoted"'), storedEvent('c')]);
  await (await runToEnd()).stop();
  await pipeline.warehouse.command('TRUNCATE TABLE event_ids');
  await pipeline.append([imported('b'), imported('a'), imported('d'), imported('d'), imported('with\0nul "quoted"'), { ...imported('a'), project: 'p2' }, storedEvent('c')]);
  const processor = await runToEnd();
  await processor.stop();
  // c came without being an import, so only the window could have known it.
  expect(await pipeline.ids('events')).toEqual(['a', 'a', 'b', 'c', 'c', 'd', 'with\0nul "quoted"']);
  expect(await pipeline.lakeIds()).toEqual(['a', 'a', 'b', 'c', 'c', 'd', 'with\0nul "quoted"']);
  expect(await processor.balance()).toMatchObject({ received: 11, stored: 7, duplicate: 4, pending: 0, difference: 0 });
});

it('A1: counts quarantined items and tallies, and shows every outcome to those who watch', async () => {
  const aside: [string, number][] = [];
  const processor = await pipeline.processor({ observer: { committed: () => {}, wrote: () => {}, failed: () => {}, setAside: (counts) => counts.forEach(({ outcome, events }) => aside.push([outcome, events])) } });
  const live: LiveOutcome[] = [];
  processor.subscribe((outcomes) => live.push(...outcomes));
  const receivedAtMs = pipeline.writer.stamp();
  const records = [
    { kind: 'item', project: 'p1', source: 'web', receivedAtMs, code: 'invalid_name', detail: 'no name', faults: [], eventId: 'x', eventName: '', original: '{"a":"ü\\ud800"}', encoding: 'utf8' },
    { kind: 'item', project: 'p1', source: 'web', receivedAtMs, code: 'invalid_json', detail: 'no JSON', faults: [], eventId: '', eventName: '', original: Buffer.from([0, 255, 10]).toString('base64'), encoding: 'base64' },
    { kind: 'tally', project: 'p1', source: 'web', receivedAtMs, outcome: 'filtered', code: 'bot', events: 5 },
  ];
  const bytes = Buffer.concat(records.flatMap((record) => {
    const json = Buffer.from(JSON.stringify(record));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    return [length, json];
  }));
  const receipt = { project: 'p1', source: 'web', minuteMs: receivedAtMs - (receivedAtMs % 60_000), received: 7 };
  const before = pipeline.reader.snapshot(0);
  await pipeline.writer.append([{ topic: 'quarantine', partition: 0, count: 3, bytes }], [receipt], receivedAtMs);
  // As if it had been appended while the books were read: it is none of theirs.
  const { snapshot } = pipeline.reader;
  pipeline.reader.snapshot = () => before;
  expect(await processor.balance()).toMatchObject({ received: 0, pending: 0, difference: 0 });
  pipeline.reader.snapshot = snapshot;
  expect(await processor.balance()).toMatchObject({ received: 7, pending: 7, difference: 0 });
  processor.start();
  await expect.poll(async () => (await processor.balance()).pending).toBe(0);
  await processor.stop();
  expect(await processor.balance()).toMatchObject({ received: 7, quarantined: 2, filtered: 5, pending: 0, difference: 0 });
  const { rows } = await pipeline.warehouse.query<{ code: string; hex: string }>('SELECT code, hex(original) AS hex FROM quarantine ORDER BY offset');
  expect(rows).toEqual([
    { code: 'invalid_name', hex: Buffer.from(records[0]!.original!).toString('hex').toUpperCase() },
    { code: 'invalid_json', hex: '00FF0A' },
  ]);
  expect(aside.toSorted((a, b) => a[0].localeCompare(b[0]))).toEqual([['filtered', 5], ['quarantined', 1], ['quarantined', 1]]);
  expect(live.map(({ outcome, code }) => [outcome, code])).toEqual([['quarantined', 'invalid_name'], ['quarantined', 'invalid_json'], ['filtered', 'bot']]);
});
