import type { ValveRule } from '@tidemark/control';
import { expect, test } from 'vitest';
import { event, GRANT, KEY, startCollector } from './testing/server.ts';

const VALVE: ValveRule = { id: 'v1', appVersion: '9.9.9', action: 'quarantine', ratio: 1 };
const bad = (more: object = {}) => event({ context: { appVersion: '9.9.9' }, ...more });

test('V4: a valve stops its events, well formed or not; their neighbours live, the bytes are kept, the books balance', async () => {
  await using collector = await startCollector();
  collector.grants.set(KEY, { ...GRANT, valves: [VALVE] });
  const events = [event(), bad(), bad({ eventId: 7 }), bad({ userId: null }), event({ userId: null })];
  const { status, body } = await collector.post('/api/events/batch', { events });
  expect(status).toBe(202);
  expect(body).toMatchObject({
    accepted: 1,
    rejected: [
      { index: 1, eventId: events[1]!['eventId'], code: 'valve', quarantined: true },
      { index: 2, eventId: '', code: 'valve', quarantined: true },
      { index: 3, code: 'valve', quarantined: true },
      { index: 4, code: 'missing_identity', quarantined: true },
    ],
  });
  const kept = collector.quarantined();
  expect(kept.map((record) => [record.code, 'valve' in record ? record.valve : undefined])).toEqual([['valve', 'v1'], ['valve', 'v1'], ['valve', 'v1'], ['missing_identity', undefined]]);
  expect(kept[1]).toMatchObject({ kind: 'item', original: JSON.stringify(events[2]) });
  expect(collector.difference()).toBe(0);
});

test('V4: what a valve drops is answered, counted by the valve, and not kept', async () => {
  await using collector = await startCollector();
  const other: ValveRule = { id: 'v2', eventName: 'storm', action: 'drop', ratio: 1 };
  collector.grants.set(KEY, { ...GRANT, valves: [{ ...VALVE, action: 'drop' }, other] });
  const { body } = await collector.post('/api/events/batch', { events: [bad(), bad(), event({ eventName: 'storm' }), event()] });
  expect(body).toMatchObject({ accepted: 1, rejected: [{ code: 'valve', quarantined: false }, { quarantined: false }, { quarantined: false }] });
  expect(collector.quarantined()).toMatchObject([
    { kind: 'tally', outcome: 'rejected', code: 'valve', valve: 'v1', events: 2 },
    { kind: 'tally', outcome: 'rejected', code: 'valve', valve: 'v2', events: 1 },
  ]);
  expect(collector.difference()).toBe(0);
  const single = await collector.post('/api/events', bad());
  expect([single.status, single.body['code'], single.body['quarantined']]).toEqual([400, 'valve', false]);
});

test('V1: bytes that are not UTF-8 hide no version', async () => {
  await using collector = await startCollector();
  collector.grants.set(KEY, { ...GRANT, valves: [VALVE] });
  const body = Buffer.concat([
    Buffer.from('{"events":[{"eventId":"e1","eventName":"x","userId":"u","context":{"appVersion":"9.9.9"},"properties":{"a":"'),
    Buffer.from([0xff]),
    Buffer.from('"}}]}'),
  ]);
  expect((await collector.post('/api/events/batch', body)).body).toMatchObject({ rejected: [{ code: 'valve' }] });
  expect(collector.quarantined()).toMatchObject([{ encoding: 'base64', valve: 'v1' }]);
});
