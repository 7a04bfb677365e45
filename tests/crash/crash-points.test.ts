/**
 * A processor killed (SIGKILL, by itself) before and after every step that reaches a disk or a store: plan, staging, each
 * table, the lake's file and its manifest, the halving of a range that holds refused rows, quarantine, counts, positions,
 * of both topics. Started again, perhaps killed again, it must end with the very contents of a run that was never killed.
 * CI takes a sample; `TIDEMARK_CRASH_POINTS=all` takes every step, a number so many, a name (`counted#1:at`) that one;
 * `TIDEMARK_SEED=…` does the same again.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FLAG, RowWriter, type StoredEvent } from '@tidemark/event';
import { LmdbLogWriter, type Frames } from '@tidemark/log';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PipelineFacts } from './crash-points/processor-process.ts';
import { seededRandom } from './ledger.ts';
import { deadlySteps, MortalProgram } from './mortal-program.ts';

const POINTS = process.env['TIDEMARK_CRASH_POINTS'] ?? '3';
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const random = seededRandom(SEED);
const RECEIVED_AT_MS = Date.UTC(2026, 4, 3, 10);

const folder = mkdtempSync(join(tmpdir(), 'tidemark-points-'));
const base = join(folder, 'base');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let program: MortalProgram<PipelineFacts>;
let expected: PipelineFacts;
beforeAll(async () => {
  program = await MortalProgram.bundle(new URL('crash-points/processor-process.ts', import.meta.url), folder);
  // What went before: a range that is done, so that there are ids to be found again.
  await append(base, range(0, 12), [item('early')]);
  program.run(base);
  await append(base, [...range(4, 30), broken('bad'), broken('e5', { flags: FLAG.imported }), storedEvent('late', { timeMs: 0 }), broken('worse'), storedEvent('bad'), storedEvent('e7', { properties: '{"n":-1}' })], [item('kept'), tally(), item('kept too')]);
  // The item 'early' leaves, and another whose event was stored long ago.
  await append(base, [storedEvent('early')], [item('known'), replayed(0, -1), replayed(4, 0, { known: true })]);
  const whole = program.copyOf(base, 'whole');
  expected = program.run(whole)!;
  expect(expected.balance).toMatchObject({ received: 12 + 1 + 32 + 5 + 1, pending: 0, difference: 0, quarantined: 4, rejected: 3 });
});

it(`X2, X3, X6: killed at ${POINTS} steps, it ends with what a run ends with that was never killed (seed ${SEED})`, () => {
  expect(expected.steps.length).toBeGreaterThan(80);
  for (const { facts, told: deaths } of program.deaths(base, deadlySteps(POINTS, expected.steps, random), expected.steps, random)) {
    const told = `${deaths}, seed ${SEED}`;
    for (const [store, rows] of Object.entries(expected.stores)) expect(facts?.stores[store], `${store}: ${told}`).toEqual(rows);
    expect(facts?.balance, told).toEqual(expected.balance);
  }
}, POINTS === 'all' ? 3_600_000 : 180_000 + (Number(POINTS) || 1) * 30_000);

async function append(data: string, events: readonly StoredEvent[], aside: readonly { events: number; record: object }[]): Promise<void> {
  const log = await LmdbLogWriter.open(join(data, 'log'), () => RECEIVED_AT_MS);
  const receivedAtMs = log.stamp();
  const rows = new RowWriter();
  for (const event of events) rows.writeFramed({ ...event, receivedAtMs });
  const frames: Frames[] = [
    { topic: 'events', partition: 0, count: events.length, bytes: rows.take() },
    ...aside.map(({ record }) => framed({ project: 'p1', source: 'web', receivedAtMs, ...record, ...('of' in record ? { of: { epoch: log.epoch, ...(record.of as object) } } : {}) })),
  ];
  const received = events.length + aside.reduce((sum, { events: counted }) => sum + counted, 0);
  await log.append(frames, [{ project: 'p1', source: 'web', minuteMs: receivedAtMs - (receivedAtMs % 60_000), received }], receivedAtMs);
  await log.close();
}

function framed(record: object): Frames {
  const json = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  return { topic: 'quarantine', partition: 0, count: 1, bytes: Buffer.concat([length, json]) };
}

const item = (eventId: string) => ({ events: 1, record: { kind: 'item', code: 'wrong_type', detail: 'No.', faults: [], eventId, eventName: '', original: '{"a":1}', encoding: 'utf8' } });
const tally = () => ({ events: 3, record: { kind: 'tally', outcome: 'rejected', code: 'event_too_large', events: 3 } });
/** Of the item at `offset`; `events`: -1 where there is a row of it, which was received with the item. */
const replayed = (offset: number, events: number, more: object = {}) => ({ events, record: { kind: 'replayed', code: 'wrong_type', of: { topic: 'quarantine', partition: 0, offset }, itemReceivedAtMs: RECEIVED_AT_MS, ...more } });
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => storedEvent(`e${from + index}`));
const broken = (eventId: string, change: Partial<StoredEvent> = {}) => storedEvent(eventId, { properties: `{broken ${eventId}`, ...change });

function storedEvent(eventId: string, change: Partial<StoredEvent> = {}): StoredEvent {
  const timeMs = Date.UTC(2026, Number(/\d+/.exec(eventId)?.[0] ?? 0) % 3, 10);
  const none = { sessionId: '', groupId: '', previousId: '', schemaVersion: '', country: '', os: '', browser: '', deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '' };
  return {
    ...none, project: 'p1', source: 'web', eventId, eventName: 'click', type: 'track', userId: 'u1', anonymousId: '', sequence: 0, timeMs, originalTimeMs: timeMs, receivedAtMs: 0,
    bot: false, flags: 1, properties: `{"n":"${eventId}","list":[1,[2]]}`, context: '{"c":1}', traits: '{}', ...change,
  };
}
