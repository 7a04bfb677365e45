import type { ReplayLot } from '@tidemark/pipeline';
import type { ReplayReport, ReplayRequest } from '@tidemark/processor';
import { Replays } from '@tidemark/processor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestEngine } from '../testing/engine.ts';

/** What the door was asked to append; each lot is taken or not as `accepts` says. */
const lots: ReplayLot[] = [];
let accepts = true;
let replays: Replays;
let engine: TestEngine;

beforeAll(async () => {
  engine = await TestEngine.start({ replays: { replay: (request: ReplayRequest): Promise<ReplayReport> => replays.replay(request) } });
  replays = new Replays({
    warehouse: engine.warehouse,
    temporaryFolder: engine.warehouse.temporaryFolder,
    processor: engine.processor,
    door: {
      turn: async () => String(lots.length),
      async append(lot) {
        if (!accepts) return undefined;
        lots.push(lot);
        return String(lots.length);
      },
    },
    admit: engine.admission.admit,
    rulesOf: async () => ({ settings: { bots: 'flag', ip: 'drop', retentionDays: null, consentCategory: 'analytics' }, valves: [] }),
    nowMs: Date.now,
  });
  await engine.collect([
    { eventId: 'r1', userId: 'u', context: { appVersion: '9.9.9' } },
    { eventId: 'r2', userId: 'u', context: { app: { version: '1.0' } } },
    { eventId: 'r3', eventName: 'seen' },
    { eventId: 'good', eventName: 'seen', userId: 'u' },
    { eventId: 'good', userId: 'u' },
  ]);
  await engine.settled();
});
afterAll(() => engine.stop());

const replay = (body: object) => engine.call('POST', '/api/quarantine/replay', body);
const NAMED = [{ op: 'set', field: 'eventName', value: 'seen' }];

test('a preview tells what would pass and why the rest would not, and lets nothing in', async () => {
  expect((await replay({ preview: true })).json()).toMatchObject({
    preview: true, events: 4, passed: 0, duplicates: 0, left: 0, nextCursor: null,
    failed: [
      { code: 'missing_event_name', events: 3, example: { eventId: 'r1', field: 'eventName', fix: expect.any(String) } },
      { code: 'missing_identity', events: 1, example: { eventId: 'r3' } },
    ],
  });
  expect((await replay({ preview: true, patch: NAMED })).json()).toMatchObject({ events: 4, passed: 3, duplicates: 1, failed: [{ code: 'missing_identity' }] });
  expect(lots).toEqual([]);
  expect((await engine.call('GET', '/api/quarantine')).json().events.every((each: object) => !('lastTry' in each))).toBe(true);
});

test('the quarantine is narrowed by app version, for the list and for a replay', async () => {
  for (const [appVersion, eventId] of [['9.9.9', 'r1'], ['1.0', 'r2']]) {
    const { events } = (await engine.call('GET', `/api/quarantine?appVersion=${appVersion}`)).json();
    expect(events).toMatchObject([{ eventId, appVersion }]);
    expect((await replay({ appVersion, preview: true })).json()).toMatchObject({ events: 1, failed: [{ example: { eventId } }] });
  }
});

test('lots are read on from the cursor, and what fails stays with the new reason', async () => {
  const first = (await replay({ limit: 1, patch: [{ op: 'set', field: 'eventName', value: '' }] })).json();
  expect(first).toMatchObject({ events: 1, passed: 0, left: 3, nextCursor: expect.any(String) });
  const rest = (await replay({ limit: 10, cursor: first.nextCursor, patch: NAMED })).json();
  expect(rest).toMatchObject({ events: 3, passed: 2, duplicates: 1, left: 0, nextCursor: null });
  expect(lots.flatMap(({ events }) => events.map(({ event }) => event?.eventId))).toEqual(['r2', 'good']);
  const { events } = (await engine.call('GET', '/api/quarantine')).json();
  const tried = Object.fromEntries(events.map((each: { eventId: string; lastTry?: { reasons: { code: string }[] } }) => [each.eventId, each.lastTry?.reasons.map(({ code }) => code)]));
  expect(tried).toEqual({ r1: ['missing_event_name'], r2: undefined, r3: ['missing_identity'], good: undefined });
});

test('R4: a copy of an event that was stored longer ago than ids are remembered leaves without its row', async () => {
  const before = lots.length;
  expect((await replay({ eventId: 'good', patch: NAMED })).json()).toMatchObject({ events: 1, passed: 1, duplicates: 1 });
  await engine.warehouse.command(`DELETE FROM event_ids WHERE key IN (SELECT MD5(concat(project, '\\0', event_id)) FROM events WHERE event_id = 'good')`);
  expect((await replay({ eventId: 'good', patch: NAMED })).json()).toMatchObject({ events: 1, passed: 1, duplicates: 1 });
  expect(lots.slice(before).map(({ events }) => events.map(({ event }) => event?.eventId))).toEqual([['good'], [undefined]]);
});

test('what has left is listed by its state', async () => {
  const { events } = (await engine.call('GET', '/api/quarantine?eventName=&limit=10')).json();
  const { position: { epoch, partition, offset } } = events.find((each: { eventId: string }) => each.eventId === 'r2');
  await engine.warehouse.command(
    `INSERT INTO quarantine_replayed (project, epoch, topic, partition, offset, replayed_at) VALUES ('${engine.project}', '${epoch}', 'quarantine', ${partition}, ${offset}, now64(3))`,
  );
  const listed = async (state: string) => (await engine.call('GET', `/api/quarantine${state}`)).json().events.map((each: { eventId: string; replayedAt?: string }) => [each.eventId, each.replayedAt !== undefined]);
  expect((await listed('')).length).toBe(3);
  expect(await listed('?state=replayed')).toEqual([['r2', true]]);
  expect((await listed('?state=all')).length).toBe(4);
  expect((await replay({ preview: true })).json()).toMatchObject({ events: 3 });
});

test('one at a time, and not beside another engine for ever', async () => {
  accepts = false;
  const both = await Promise.all([replay({ patch: NAMED }), replay({ patch: NAMED })]);
  accepts = true;
  expect(both.map((answer) => [answer.statusCode, answer.json().code])).toEqual([[409, 'replay_running'], [409, 'replay_running']]);
});

test.each([
  [{ patch: [{ op: 'set', field: 'eventName' }] }, 'invalid_value', 'patch.0.value'],
  [{ patch: [{ op: 'set', field: 'eventId', value: 'one' }] }, 'invalid_value', 'patch.0.field'],
  [{ patch: [{ op: 'rename', field: 'a' }] }, 'invalid_value', 'patch.0.to'],
  [{ patch: [{ op: 'cast', field: 'a', to: 'date' }] }, 'invalid_value', 'patch.0.to'],
  [{ patch: [{ op: 'remove', field: 'a..b' }] }, 'invalid_value', 'patch.0.field'],
  [{ patch: [{ op: 'remove', field: 'a', value: 1 }] }, 'invalid_value', 'patch.0.value'],
  [{ patch: [{ op: 'delete', field: 'a' }] }, 'invalid_value', 'patch.0.op'],
  [{ limit: 10_001 }, 'invalid_value', 'limit'],
  [{ cursor: 'e30' }, 'invalid_cursor', 'cursor'],
  [{ from: 'soon' }, 'invalid_time', 'from'],
  [{ codes: ['valve'] }, 'unknown_field', 'codes'],
])('%j is refused', async (body, code, field) => {
  const answer = await replay(body);
  expect([answer.statusCode, answer.json().code, answer.json().field]).toEqual([400, code, field]);
});

test('texts are texts, whatever they hold', async () => {
  for (const text of ["' OR 1 = 1 --", '\\', '\0', '/*', 'é\ud83d']) expect((await replay({ code: text, source: text, eventName: text, appVersion: text, preview: true })).json()).toMatchObject({ events: 0 });
});

test("a token does not reach another project's quarantine", async () => {
  const other = (await engine.call('POST', '/api/projects', { name: 'Other' })).json();
  const headers = { authorization: `Bearer ${other.token.secret}` };
  expect((await engine.call('POST', '/api/quarantine/replay', { preview: true }, headers)).json()).toMatchObject({ events: 0 });
  expect((await engine.call('POST', '/api/quarantine/replay', {}, { authorization: 'Bearer no' })).statusCode).toBe(401);
});
