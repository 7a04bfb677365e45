import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredEvent } from '@tidemark/event';
import { MemoryLog } from '@tidemark/log';
import type { ReplayLot } from '@tidemark/pipeline';
import { expect, test } from 'vitest';
import { createMetrics } from '@tidemark/metrics';
import { Appender } from '../append.ts';
import { IngestMetrics } from '../ingest-metrics.ts';
import { event, startCollector } from '../testing/server.ts';
import { ReplayDoor } from './replay-door.ts';
import { createReplayServer } from './replay-server.ts';

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

function stored(eventId: string): StoredEvent {
  return {
    project: 'shop', source: 'web', eventId, eventName: 'click', type: 'track', userId: 'u1', anonymousId: '', sessionId: '', groupId: '', previousId: '', schemaVersion: '',
    sequence: 0, timeMs: 1, originalTimeMs: 1, receivedAtMs: 1, bot: false, flags: 1, properties: '{}', context: '{}', traits: '{}', country: '', os: '', browser: '',
    deviceType: '', channel: '', campaignSource: '', campaignMedium: '', campaignName: '', referrerHost: '', pagePath: '', appVersion: '', locale: '',
  };
}

function lot(turn: string, ...ids: (string | undefined)[]): ReplayLot {
  return {
    turn,
    events: ids.map((id, offset) => ({
      project: 'shop', source: 'web', code: 'valve', of: { epoch: 'memory', topic: 'quarantine', partition: 0, offset }, itemReceivedAtMs: 5,
      ...(id === undefined ? {} : { event: stored(id) }),
    })),
  };
}

function doorOf(log: MemoryLog, maxPendingBytes = 1e9): ReplayDoor {
  return new ReplayDoor(new Appender(log, maxPendingBytes, new IngestMetrics(createMetrics({ role: 'collector' })), SILENT), 1);
}

test('R4: row and record are one append, stamped by the log, and no receipt', async () => {
  const log = new MemoryLog({ nowMs: () => 777 });
  await using collector = await startCollector({ log });
  const door = doorOf(log);
  expect(await door.take(lot(await door.turn(), 'a', undefined))).toBe('appended');
  expect(collector.events()).toMatchObject([{ eventId: 'a', receivedAtMs: 777 }]);
  const record = { kind: 'replayed', project: 'shop', source: 'web', receivedAtMs: 777, itemReceivedAtMs: 5, code: 'valve' };
  expect(collector.quarantined()).toEqual([
    { ...record, of: { epoch: 'memory', topic: 'quarantine', partition: 0, offset: 0 } },
    { ...record, of: { epoch: 'memory', topic: 'quarantine', partition: 0, offset: 1 }, known: true },
  ]);
  expect(log.snapshot(0).received).toEqual([]);
});

test('R4: a turn is good for one lot, and the next one is told when that is durable', async () => {
  const log = new MemoryLog();
  const door = doorOf(log);
  const turn = await door.turn();
  log.stall();
  const first = door.take(lot(turn, 'a'));
  expect(await door.take(lot(turn, 'a'))).toBe('late');
  let told = false;
  const next = door.turn().then((made) => ((told = true), made));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(told).toBe(false);
  log.resume();
  expect([await first, (await next) === turn]).toEqual(['appended', false]);
  expect(log.endOffset('events', 0)).toBe(1);
});

test('R4: what the log does not take ends the turn all the same', async () => {
  const log = new MemoryLog();
  const door = doorOf(log);
  const turn = await door.turn();
  log.failing = 'disk';
  expect(await door.take(lot(turn, 'a'))).toBe('busy');
  log.failing = undefined;
  expect(await door.take(lot(turn, 'a'))).toBe('late');
  expect(await door.take(lot(await door.turn(), 'a'))).toBe('appended');
  expect(await doorOf(log, -1).take(lot('any', 'a'))).toBe('late');
});

test('R4: over the socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-replay-'));
  const log = new MemoryLog();
  const server = createReplayServer(doorOf(log), SILENT);
  await new Promise<void>((resolve) => server.listen(join(folder, 'r.sock'), resolve));
  const call = (method: string, path = '/replay', body?: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = httpRequest({ socketPath: join(folder, 'r.sock'), method, path, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: answer.statusCode!, text }));
      });
      sent.on('error', reject).end(body);
    });
  const { turn } = JSON.parse((await call('GET')).text) as { turn: string };
  const taken = await call('POST', '/replay', JSON.stringify(lot(turn, 'a')));
  expect([taken.status, JSON.parse(taken.text)]).toEqual([200, { end: 'appended', turn: expect.any(String) }]);
  expect((await call('POST', '/replay', JSON.stringify(lot(turn, 'a')))).status).toBe(409);
  expect([(await call('GET', '/other')).status, (await call('POST', '/replay', '{"turn":')).status]).toEqual([404, 500]);
  expect(log.endOffset('events', 0)).toBe(1);
  server.close();
  rmSync(folder, { recursive: true });
});

test('what a request said is kept with each of its events that is refused, and with a body that is kept whole', async () => {
  await using collector = await startCollector();
  const browser = { origin: 'https://shop.example', 'user-agent': 'Mozilla/5.0' };
  await collector.post('/api/events/batch', { sentAt: '2026-05-03T10:00:00Z', events: [event({ eventId: '' }), event()] }, browser);
  await collector.post('/api/events', '{"a":', browser);
  await collector.post('/api/events', event({ eventId: '' }), { 'user-agent': 'curl' });
  expect(collector.quarantined().map((record) => 'request' in record && record.request)).toEqual([{ sentAt: '2026-05-03T10:00:00Z', userAgent: 'Mozilla/5.0' }, { userAgent: 'Mozilla/5.0' }, false]);
});
