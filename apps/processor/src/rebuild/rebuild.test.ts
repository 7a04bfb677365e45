/**
 * Tables made again from the lake: lost, damaged or whole, in all or in part, while events come in. `TIDEMARK_REBUILD_ROUNDS=20`
 * runs more histories, `TIDEMARK_SEED=…` runs the same again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compactLake, removeFromLake } from '@tidemark/lake';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Processor } from '../processor.ts';
import { storedEvent, TestPipeline } from '../testing.ts';
import type { RebuildRequest, RebuildView } from './rebuilds.ts';
import { contentsOf, oneAfterAnother, rebuildsOf } from './testing.ts';

const ROUNDS = Number(process.env['TIDEMARK_REBUILD_ROUNDS'] ?? 1);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);

let pipeline: TestPipeline;
let processor: Processor;
const exclusively = oneAfterAnother();

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

const at = (month: number, n: number) => Date.UTC(2026, month, 15, 10) + n;
const event = (n: number, month = n % 3) =>
  storedEvent(`e${n}`, { timeMs: at(month, n), eventName: n % 5 === 0 ? 'order' : 'click', country: n % 2 === 0 ? 'DE' : '', properties: `{"n":${n},"text":"x${n}","deep":{"a":[1,${n}]}}` });
const events = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => event(from + index));

async function store(list: ReturnType<typeof events>): Promise<void> {
  await pipeline.append(list);
  await drained();
}

async function drained(): Promise<void> {
  for (let waited = 0; (await processor.balance()).pending > 0; waited += 10) {
    if (waited > 60_000) throw new Error('still pending');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function rebuilt(request: RebuildRequest = {}, change: Parameters<typeof rebuildsOf>[2] = {}): Promise<RebuildView> {
  const rebuilds = rebuildsOf(pipeline, processor, { exclusively, ...change });
  await rebuilds.begin(request);
  await rebuilds.ended();
  return rebuilds.view()!;
}

const DAMAGES: Record<string, string[]> = {
  nothing: [],
  'events truncated, timeline dropped': ['TRUNCATE TABLE events', 'DROP TABLE timeline SYNC'],
  'all dropped': ['DROP TABLE events SYNC', 'DROP TABLE timeline SYNC', 'DROP TABLE event_ids SYNC'],
  'some rows gone and some wrong': ["DELETE FROM events WHERE offset % 3 = 0", "ALTER TABLE timeline UPDATE packed = replaceOne(packed, '{', '{ ') WHERE offset % 2 = 0 SETTINGS mutations_sync = 1"],
  'an older form': ['ALTER TABLE events DROP COLUMN locale', 'ALTER TABLE events ADD COLUMN locale String'],
};

for (const [damage, statements] of Object.entries(DAMAGES)) {
  it(`${damage}: a rebuild gives what was there, once; and a second one changes nothing`, async () => {
    await store(events(0, 60));
    await compactLake(pipeline.lake, pipeline.warehouse);
    await store([...events(60, 90), ...events(10, 20)]);
    const expected = await contentsOf(pipeline);
    for (const statement of statements) await pipeline.warehouse.command(statement);
    expect(await rebuilt()).toMatchObject({ state: 'done', rows: 90, error: undefined });
    expect(await contentsOf(pipeline)).toEqual(expected);
    if (damage === 'nothing') expect(await rebuilt()).toMatchObject({ state: 'done' });
    expect(await contentsOf(pipeline)).toEqual(expected);
    // The ids are known as before, and intake goes on.
    await store([...events(0, 90), ...events(90, 95)]);
    expect(await pipeline.ids('events')).toEqual(events(0, 95).map(({ eventId }) => eventId).toSorted());
    expect((await processor.balance()).difference).toBe(0);
  });
}

it('of a range of time or an event only its months are made again', async () => {
  await store(events(0, 60));
  const expected = await contentsOf(pipeline);
  const broken = async () => {
    await pipeline.warehouse.command("ALTER TABLE events UPDATE country = 'XX' WHERE 1 SETTINGS mutations_sync = 1");
    await pipeline.warehouse.command("DELETE FROM timeline WHERE toMonth(time) = 2");
  };
  await broken();
  expect(await rebuilt({ fromMs: at(1, 0), toMs: at(1, 1_000) })).toMatchObject({ state: 'done', partitions: ['202602'] });
  const rows = (await contentsOf(pipeline)) as { events: { time: string; country: string }[]; timeline: unknown[] };
  expect(rows.timeline).toEqual(expected['timeline']);
  for (const { time, country } of rows.events) expect(country === 'XX', time).toBe(!time.startsWith('2026-02'));
  expect(await rebuilt({ event: 'order', fromMs: at(2, 0) })).toMatchObject({ state: 'done', partitions: ['202603'] });
  expect(await rebuilt({ event: 'order' })).toMatchObject({ state: 'done', partitions: ['202601', '202602', '202603'] });
  expect(await contentsOf(pipeline)).toEqual(expected);
  await expect(rebuilt({ event: 'never' })).rejects.toMatchObject({ code: 'rebuild_nothing' });
});

const remove = async (condition: string) => {
  await removeFromLake(pipeline.lake, pipeline.warehouse, condition);
  for (const table of ['timeline', 'events']) await pipeline.warehouse.command(`DELETE FROM ${table} WHERE ${condition}`);
};
/** Every file is a batch of its own, so that jobs come between. */
const small = { batchRows: 1, batchFiles: 1, lastRows: 0 };

it('what was deleted stays deleted, also when it is deleted, or split anew, behind the rebuild that copied it', async () => {
  await store(events(0, 60));
  await compactLake(pipeline.lake, pipeline.warehouse);
  await store(events(60, 80));
  await store(events(80, 90));
  await remove("event_id IN ('e3', 'e70')");
  let turn = 0;
  const withJobs: typeof exclusively = (work) => exclusively(async () => {
    turn++;
    // By event time: the first file is January's, the next ones what landed.
    if (turn === 3) await remove("event_id IN ('e1', 'e6', 'e66', 'e82')");
    if (turn === 4) await compactLake(pipeline.lake, pipeline.warehouse);
    if (turn === 5) await remove("event_id = 'e40'");
    return work();
  });
  expect(await rebuilt({}, { exclusively: withJobs, bounds: small })).toMatchObject({ state: 'done', error: undefined });
  expect(turn).toBeGreaterThan(5);
  const gone = ['e1', 'e3', 'e40', 'e6', 'e66', 'e70', 'e82'];
  expect(await pipeline.ids('events')).toEqual(events(0, 90).map(({ eventId }) => eventId).filter((id) => !gone.includes(id)).toSorted());
  expect(await pipeline.ids('timeline')).toEqual(await pipeline.ids('events'));
});

it('it ends where files come as fast as they are copied', async () => {
  await store(events(0, 10));
  let sent = 10;
  const withIntake: typeof exclusively = async (work) => {
    await store(events(sent, sent + 5));
    await store(events(sent + 5, (sent += 10)));
    return exclusively(work);
  };
  expect(await rebuilt({}, { exclusively: withIntake, bounds: small })).toMatchObject({ state: 'done', error: undefined });
  expect(await pipeline.ids('events')).toEqual(events(0, sent).map(({ eventId }) => eventId).toSorted());
});

it('it refuses to lose what only a table holds, to begin twice, and to begin without room; and leaves the tables as they were', async () => {
  await store(events(0, 30));
  const lake = [...pipeline.lake.manifest.files][0]!;
  await pipeline.lake.replace([lake], [{ ...(await pipeline.lake.publish('landing/less.parquet', `SELECT * FROM file('${pipeline.folder}/lake/${lake.path}', 'Parquet') WHERE offset != 7`)), ranges: lake.ranges }]);
  const expected = await contentsOf(pipeline);
  expect(await rebuilt()).toMatchObject({ state: 'failed', error: { code: 'rebuild_would_lose' } });
  expect(await contentsOf(pipeline)).toEqual(expected);
  await expect(rebuilt({}, { room: { freeBytes: async () => 1_000, reserveBytes: 0 } })).rejects.toMatchObject({ code: 'rebuild_no_room' });
  let release = (): void => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  const rebuilds = rebuildsOf(pipeline, processor, { bounds: small, exclusively: (work) => held.then(() => exclusively(work)) });
  const begun = rebuilds.begin({});
  await expect(rebuilds.begin({})).rejects.toMatchObject({ code: 'rebuild_running' });
  await begun;
  await expect(rebuilds.begin({})).rejects.toMatchObject({ code: 'rebuild_running' });
  const cancelled = rebuilds.cancel();
  release();
  expect(await cancelled).toBe(true);
  expect(rebuilds.view()).toMatchObject({ state: 'cancelled' });
  expect(await contentsOf(pipeline)).toEqual(expected);
  expect(await rebuilt({ allowLoss: true })).toMatchObject({ state: 'done' });
  expect((await pipeline.ids('events')).length).toBe(29);
});

/** Begins one and stops it in its third turn. */
async function stoppedInItsThirdTurn(): Promise<void> {
  let turn = 0;
  let reached = (): void => {};
  const third = new Promise<void>((resolve) => (reached = resolve));
  const rebuilds = rebuildsOf(pipeline, processor, {
    bounds: small,
    exclusively: async (work) => {
      if (++turn === 3) reached();
      if (turn > 3) await new Promise((resolve) => setTimeout(resolve, 50));
      return exclusively(work);
    },
  });
  await rebuilds.begin({});
  await third;
  await rebuilds.stop();
}

it('where its journal was damaged meanwhile it does not go on, says so, and can be begun anew', async () => {
  for (let from = 0; from < 60; from += 10) await store(events(from, from + 10));
  const expected = await contentsOf(pipeline);
  await stoppedInItsThirdTurn();
  const journal = join(pipeline.folder, 'rebuild.journal');
  const bytes = readFileSync(journal);
  bytes[bytes.indexOf('"rows":')]! ^= 1;
  writeFileSync(journal, bytes);
  const told: unknown[] = [];
  const rebuilds = rebuildsOf(pipeline, processor, { onError: (error) => told.push(error) });
  await rebuilds.resume();
  expect(rebuilds.view()).toMatchObject({ state: 'failed', error: { code: 'rebuild_journal_damaged' } });
  expect(told).toHaveLength(1);
  expect(await contentsOf(pipeline)).toEqual(expected);
  expect(await rebuilt()).toMatchObject({ state: 'done', rows: 60, error: undefined });
  expect(await contentsOf(pipeline)).toEqual(expected);
});

it('stopped with the engine it goes on at the next start with what is not copied yet', async () => {
  for (let from = 0; from < 60; from += 10) await store(events(from, from + 10));
  const expected = await contentsOf(pipeline);
  await stoppedInItsThirdTurn();
  // Half of a file, as by a kill.
  await pipeline.warehouse.command('INSERT INTO rebuild_events SELECT * FROM events WHERE offset IN (55, 56, 57) AND offset NOT IN (SELECT offset FROM rebuild_events)');
  const second = rebuildsOf(pipeline, processor, { bounds: small });
  await second.resume();
  expect(second.view()).toMatchObject({ state: 'running' });
  expect(second.view()!.rows).toBeGreaterThanOrEqual(20);
  await second.ended();
  expect(second.view()).toMatchObject({ state: 'done', rows: 60 });
  expect(await contentsOf(pipeline)).toEqual(expected);
  await second.resume();
  expect(second.view()).toMatchObject({ state: 'done' });
});

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

it(`${ROUNDS} times anything happens before and during a rebuild, and the tables hold exactly what was stored and not deleted (seed ${SEED})`, async () => {
  const random = randomOf(SEED);
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!;
  let next = 0;
  const held = new Set<number>();
  const everStored = new Set<number>();
  const send = async (): Promise<void> => {
    const list = Array.from({ length: 1 + Math.floor(random() * 15) }, () => (next > 0 && random() < 0.2 ? Math.floor(random() * next) : next++));
    for (const n of list) if (!everStored.has(n)) held.add(n);
    for (const n of list) everStored.add(n);
    await pipeline.append(list.map((n) => event(n)));
  };
  const happens = async (): Promise<void> => {
    const what = random();
    if (what < 0.4) await send();
    else if (what < 0.6) await compactLake(pipeline.lake, pipeline.warehouse);
    else if (what < 0.8 && held.size > 0) {
      // As a project is deleted: when nothing of it is on its way.
      await drained();
      const gone = pick([...held]);
      held.delete(gone);
      await remove(`event_id = 'e${gone}'`);
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    for (let step = 0; step < 4; step++) await happens();
    await send();
    await drained();
    const request = pick<RebuildRequest>([{}, {}, { event: 'order' }, { fromMs: at(1, 0) }]);
    if (Object.keys(request).length === 0) for (const statement of pick(Object.values(DAMAGES))) await pipeline.warehouse.command(statement.replace('event_ids', 'timeline').replace('DROP TABLE timeline SYNC', 'TRUNCATE TABLE timeline'));
    const withJobs: typeof exclusively = async (work) => {
      if (random() < 0.5) await exclusively(happens);
      if (random() < 0.5) await send();
      return exclusively(work);
    };
    const label = `seed ${SEED}, round ${round}, ${JSON.stringify(request)}`;
    expect(await rebuilt({ ...request, allowLoss: true }, { exclusively: withJobs, bounds: pick([small, { batchRows: 20, batchFiles: 3, lastRows: 10 }]) }), label).toMatchObject({ state: 'done', error: undefined });
    await drained();
    const ids = [...held].map((n) => `e${n}`).toSorted();
    expect(await pipeline.ids('events'), label).toEqual(ids);
    expect(await pipeline.ids('timeline'), label).toEqual(ids);
    const { rows } = await pipeline.warehouse.query<{ id: string; p: string; country: string }>('SELECT event_id AS id, toString(properties) AS p, country FROM events');
    for (const { id, p, country } of rows) {
      const n = Number(id.slice(1));
      expect([JSON.parse(p), country], label).toEqual([{ n, text: `x${n}`, deep: { a: [1, n] } }, n % 2 === 0 ? 'DE' : '']);
    }
  }
}, 180_000 + ROUNDS * 20_000);
