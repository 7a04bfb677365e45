/**
 * No client can make a row that a store refuses (E14): whatever the door lets in, real stores take, and keep as it was
 * meant. `TIDEMARK_HOSTILE_EVENTS=50000` tries more; `TIDEMARK_SEED=…` tries the same again.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPlainEvent } from '@tidemark/event';
import type { JsonObject, JsonValue, StoredEvent } from '@tidemark/event';
import { compactLake } from '@tidemark/lake';
import { atTheDoor, meaningOf } from '@tidemark/model';
import { eventText, hostileEvent, hostileObject } from '@tidemark/model/testing';
import { createAdmission } from '@tidemark/pipeline';
import type { Admission } from '@tidemark/pipeline';
import { storedEvent, TestPipeline } from './testing.ts';

const EVENTS = Number(process.env['TIDEMARK_HOSTILE_EVENTS'] ?? 2_000);
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const RANGE = 1_000;
const RECEIVED_AT_MS = Date.UTC(2026, 4, 3, 10);

let pipeline: TestPipeline;
beforeAll(async () => {
  pipeline = new TestPipeline();
  await pipeline.open();
});
afterAll(() => pipeline.close());

const { admit, admitPlain } = createAdmission({ countryOf: () => 'DE' });
const facts = {
  project: 'p1', source: 'web', settings: { bots: 'flag', ip: 'keep', retentionDays: null, consentCategory: 'analytics' }, receivedAtMs: RECEIVED_AT_MS,
  sentAt: undefined, ip: undefined, userAgent: undefined, fromBrowser: false,
} as const;

/** Both ways of the door: by places in the bytes where the text is plain, else by JSON.parse. */
function atDoor(json: string): Admission {
  const plain = readPlainEvent(Buffer.from(json))?.events[0]?.plain;
  const admission = plain && admitPlain(plain, facts);
  if (admission !== undefined) plainEvents++;
  return admission ?? admit(JSON.parse(json), facts);
}
let plainEvents = 0;

/** Documents without what JSON.stringify would escape by its number; odd enough for a store, and plain for the door. */
const plainKey = fc.oneof(fc.constantFrom('a', 'b', 'a.b', '__proto__', 'toString', '', '.', '`', 'a:Int64'), fc.string({ maxLength: 6 }));
const plainValue = fc.oneof(fc.string(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
const plainObject = fc.dictionary(plainKey, fc.oneof(plainValue, fc.array(plainValue, { maxLength: 5 }), fc.dictionary(plainKey, plainValue, { maxKeys: 4 })), { maxKeys: 8 }).map((value) => JSON.stringify(value));

/** Some as the events of the door's own test, some with good fields around hostile documents, so that most are let in. */
const text = fc.oneof(
  plainObject.map((properties) => (id: string) => `{"eventId":${id},"eventName":"purchase","userId":"u1","properties":${properties},"traits":${properties}}`),
  hostileEvent.map((fields) => (id: string) => eventText(fields, id)),
  fc.tuple(hostileObject, hostileObject, hostileObject).map(([properties, context, traits]) => (id: string) =>
    `{"eventId":${id},"eventName":"purchase","userId":"u1","properties":${properties},"context":${context},"traits":${traits}}`),
);

it(`E14: real stores take whatever the door lets in, ${EVENTS} of the worst events, and keep what they mean (seed ${SEED})`, async () => {
  const processor = await pipeline.processor({ observer: { committed: () => {}, wrote: () => {}, failed: (_, error) => expect.fail(String(error)) } });
  processor.start();
  let admitted = 0;
  for (let from = 0; from < EVENTS; from += RANGE) {
    const samples = fc.sample(text, { numRuns: Math.min(RANGE, EVENTS - from), seed: SEED + from });
    const texts = samples.map((sample, index) => {
      const json = sample(JSON.stringify(`e${from + index}`));
      return index % 2 === 0 ? json : JSON.stringify(JSON.parse(json));
    });
    const events = texts.flatMap((json) => {
      const admission = atDoor(json);
      return admission.kind === 'store' ? [{ json, event: admission.event }] : [];
    });
    await pipeline.append(events.map(({ event }) => event));
    expect(await processor.caughtUp(120_000)).toBe(true);
    admitted += events.length;
    await expectNoneRefused(new Map(events.map(({ json, event }) => [event.eventId, json])));
    await expectStored(events);
  }
  await processor.stop();
  await expectMerged(admitted);
  expect(admitted).toBeGreaterThan(EVENTS / 2);
  expect(plainEvents).toBeGreaterThan(EVENTS / 20);
  expect(await processor.balance()).toMatchObject({ received: admitted, stored: admitted, difference: 0, pending: 0 });
}, 180_000 + EVENTS * 20);

async function expectNoneRefused(texts: ReadonlyMap<string, string>): Promise<void> {
  const { rows } = await pipeline.warehouse.query<{ event_id: string; detail: string }>('SELECT event_id, detail FROM quarantine LIMIT 3');
  expect(rows.map(({ event_id, detail }) => `${detail}\n${texts.get(event_id)}`)).toEqual([]);
}

/** A row that is taken but can't be merged, checked or read again would stall the stores later. */
async function expectMerged(admitted: number): Promise<void> {
  const { warehouse, lake } = pipeline;
  while ((await compactLake(lake, warehouse)).read > 0);
  expect([...lake.manifest.files].reduce((sum, { rows }) => sum + rows, 0)).toBe(admitted);
  for (const table of ['events', 'timeline', 'event_ids']) {
    await warehouse.command(`OPTIMIZE TABLE ${table} FINAL`);
    const { rows: parts } = await warehouse.query<{ part: string; is_passed: number }>(`CHECK TABLE ${table} SETTINGS check_query_single_value_result = 0`);
    expect(parts.filter(({ is_passed }) => Number(is_passed) !== 1)).toEqual([]);
    const { rows } = await warehouse.query<{ events: number }>(`SELECT count() AS events FROM ${table} WHERE NOT ignore(*)`);
    expect(Number(rows[0]!.events)).toBe(admitted);
  }
}

it('T3: one small batch from all over the years makes a bounded number of parts, and questions of one month read few of them', async () => {
  const parts = async () => {
    const { rows } = await pipeline.warehouse.query<{ parts: number }>("SELECT count() AS parts FROM system.parts WHERE active AND database = currentDatabase() AND table = 'events'");
    return Number(rows[0]!.parts);
  };
  const processor = await pipeline.processor();
  processor.start();
  const before = await parts();
  const fromMs = Date.UTC(1970, 0, 1);
  const toMs = Date.UTC(2026, 10, 1);
  await pipeline.append(Array.from({ length: 700 }, (_, at) => storedEvent(`all-over-${at}`, { timeMs: fromMs + Math.floor((at / 700) * (toMs - fromMs)) })));
  expect(await processor.caughtUp(60_000)).toBe(true);
  await processor.stop();
  expect(await parts() - before).toBeLessThan(140);
  const { rows } = await pipeline.warehouse.query<{ explain: string }>("EXPLAIN indexes = 1 SELECT count() FROM events WHERE time >= toDateTime64('2020-05-01 00:00:00', 3, 'UTC') AND time < toDateTime64('2020-06-01 00:00:00', 3, 'UTC') AND properties.n.:Int64 = 1");
  const [, read = '0', all = '0'] = /Parts: (\d+)\/(\d+)/.exec(rows.map(({ explain }) => explain).join('\n')) ?? [];
  expect(Number(read)).toBeLessThan(Number(all) / 10);
});

/** The timeline and the lake keep the very texts of the rows; these mean what the model says. */
async function expectStored(events: readonly { json: string; event: StoredEvent }[]): Promise<void> {
  const ids = events.map(({ event }) => `'${event.eventId}'`).join(',');
  const select = (from: string) => `SELECT event_id, properties, traits, context, toUnixTimestamp64Milli(time) AS ms FROM ${from} WHERE event_id IN (${ids}) ORDER BY event_id SETTINGS use_hive_partitioning = 0`;
  type Row = { event_id: string; properties: string; traits: string; context: string; ms: number };
  const expected = events.map(({ event }) => rowOf(event)).toSorted((one, other) => (one.event_id < other.event_id ? -1 : 1));
  const landed = [...pipeline.lake.manifest.files].at(-1)!;
  for (const source of ['timeline', `file('${pipeline.lake.folder}/${landed.path}', 'Parquet')`]) {
    const { rows } = await pipeline.warehouse.query<Row>(select(source));
    expect(rows.map((row) => ({ ...row, ms: Number(row.ms) }))).toEqual(expected);
  }
  for (const { json, event } of events) {
    const model = atTheDoor(JSON.parse(json), { receivedAtMs: RECEIVED_AT_MS });
    if (model.end !== 'stored') throw new Error(`the model refuses ${json}`);
    for (const document of ['properties', 'traits'] as const) {
      expect(meaningOf(JSON.parse(event[document]) as JsonObject), json).toBe(meaningOf(model.event[document]));
    }
  }
  await expectIndexed(events);
}

const rowOf = (event: StoredEvent) => ({
  event_id: event.eventId, properties: event.properties.toWellFormed(), traits: event.traits.toWellFormed(), context: event.context.toWellFormed(), ms: event.timeMs,
});

/**
 * The JSON column is an index and not the truth, but plain values at plain keys are in it as they were meant: of keys
 * that stood twice the last, and whole numbers and text as what they are.
 */
async function expectIndexed(events: readonly { event: StoredEvent }[]): Promise<void> {
  const ids = events.map(({ event }) => `'${event.eventId}'`).join(',');
  const { rows } = await pipeline.warehouse.query<{ event_id: string; text: string | null; whole: string | null; float: number | null }>(
    `SELECT event_id, properties.a.:String AS text, toString(properties.a.:Int64) AS whole, properties.a.:Float64 AS float FROM events WHERE event_id IN (${ids})`,
  );
  const found = new Map(rows.map((row) => [row.event_id, row]));
  for (const { event } of events) {
    const sent: JsonValue | undefined = (JSON.parse(event.properties) as JsonObject)['a'];
    const row = found.get(event.eventId)!;
    if (typeof sent === 'string') expect(row.text, event.properties).toBe(sent);
    else if (typeof sent === 'number') expect(row.whole === null ? Number(row.float) : Number(row.whole), event.properties).toBe(sent);
    else expect([row.text, row.whole, row.float], event.properties).toEqual([null, null, null]);
  }
}
