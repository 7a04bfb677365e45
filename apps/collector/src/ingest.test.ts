import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { event, GRANT, KEY, startCollector } from './testing/server.ts';

it('C5: answers a single event with 202 once it is in the log', async () => {
  await using collector = await startCollector();
  const sent = event({ properties: { price: 1.5 } });
  const { status, body } = await collector.post('/api/events', sent);
  expect(status).toBe(202);
  const [row] = collector.events();
  expect(body).toEqual({
    status: 'accepted',
    eventId: sent['eventId'],
    receivedAt: new Date(row!.receivedAtMs).toISOString(),
  });
  expect(row).toMatchObject({ project: 'shop', source: 'web', eventId: sent['eventId'], properties: '{"price":1.5}' });
  expect(collector.difference()).toBe(0);
});

it('C1: waits for the log before it answers', async () => {
  await using collector = await startCollector();
  collector.log.stall();
  let answered = false;
  const post = collector.post('/api/events', event()).then((posted) => {
    answered = true;
    return posted;
  });
  await new Promise((next) => setTimeout(next, 100));
  expect(answered).toBe(false);
  collector.log.resume();
  expect((await post).status).toBe(202);
});

it('C5: answers a bad single event with 400 and every reason, and keeps its bytes', async () => {
  await using collector = await startCollector();
  const raw = `{ "eventId" : "bad-1", "eventName":"", "timestamp":"yesterday",\n "properties": 3 }`;
  const { status, headers, body } = await collector.post('/api/events', raw);
  expect(status).toBe(400);
  expect(headers.get('content-type')).toBe('application/problem+json');
  expect(body).toMatchObject({
    eventId: 'bad-1',
    quarantined: true,
    status: 400,
    type: `docs/protocol.md#${String(body['code'])}`,
  });
  const fields = (body['errors'] as { field: string; code: string }[]).map(({ field }) => field);
  expect(fields).toEqual(expect.arrayContaining(['eventName', 'timestamp', 'properties']));
  expect(body).toMatchObject({ documentation: body['type'], field: expect.any(String), rule: expect.any(String) });
  const timestamp = (body['errors'] as { field: string }[]).find(({ field }) => field === 'timestamp');
  expect(timestamp).toMatchObject({
    code: 'invalid_timestamp',
    value: 'yesterday',
    rule: expect.stringContaining('RFC 3339'),
  });
  expect(collector.quarantined()).toMatchObject([
    { kind: 'item', eventId: 'bad-1', original: raw, encoding: 'utf8', code: body['code'] },
  ]);
  expect(collector.events()).toEqual([]);
  expect(collector.difference()).toBe(0);
});

it('C5: answers a single event over 64 KB with 413 and counts it as rejected', async () => {
  await using collector = await startCollector();
  const { status, body } = await collector.post('/api/events', event({ properties: { text: 'x'.repeat(70_000) } }));
  expect(status).toBe(413);
  expect(body).toMatchObject({ code: 'event_too_large', quarantined: false });
  expect(collector.quarantined()).toMatchObject([
    { kind: 'tally', outcome: 'rejected', code: 'event_too_large', events: 1 },
  ]);
  expect(collector.difference()).toBe(0);
});

it('C5: keeps no bytes over 64 KB that are no object, or not UTF-8', async () => {
  await using collector = await startCollector();
  const text = 'x'.repeat(70_000);
  const latin1 = Buffer.from(JSON.stringify(event({ properties: { text, city: 'Köln' } })), 'latin1');
  const body = Buffer.concat([Buffer.from(`{"events":[${JSON.stringify(text)},[${JSON.stringify(text)}],`), latin1, Buffer.from(`,${JSON.stringify(event())}]}`)]);
  const answer = await collector.post('/api/events/batch', body);
  const code = 'event_too_large';
  expect(answer.body).toMatchObject({ accepted: 1, rejected: [0, 1, 2].map((index) => ({ index, code, quarantined: false })) });
  expect(collector.quarantined()).toMatchObject([{ kind: 'tally', outcome: 'rejected', code, events: 3 }]);
  expect(await collector.post('/api/events', JSON.stringify(text))).toMatchObject({ status: 413, body: { code } });
  expect(collector.difference()).toBe(0);
});

it('C6: takes the good of a batch and tells of each bad one', async () => {
  await using collector = await startCollector();
  const events = [event(), { eventName: 'no id' }, event(), 7, event({ properties: { text: 'x'.repeat(70_000) } })];
  const { status, body } = await collector.post('/api/events/batch', { sentAt: new Date().toISOString(), events });
  expect(status).toBe(202);
  expect(body['accepted']).toBe(2);
  expect(body['rejected']).toMatchObject([
    { index: 1, eventId: '', code: 'missing_event_id', quarantined: true },
    { index: 3, eventId: '', code: 'not_an_object', quarantined: true },
    { index: 4, eventId: events[4]!['eventId' as never], code: 'event_too_large', quarantined: false },
  ]);
  expect(collector.events().map(({ eventId }) => eventId)).toEqual(
    [events[0], events[2]].map((sent) => (sent as { eventId: string }).eventId),
  );
  expect(collector.quarantined()).toMatchObject([
    { original: '{"eventName":"no id"}' },
    { original: '7' },
    { kind: 'tally', events: 1 },
  ]);
  expect(collector.difference()).toBe(0);
});

it('C6: takes an empty batch, and one in which all is bad', async () => {
  await using collector = await startCollector();
  expect(await collector.post('/api/events/batch', { events: [] })).toMatchObject({
    status: 202,
    body: { accepted: 0, rejected: [] },
  });
  const { status, body } = await collector.post('/api/events/batch/', { events: [1, null, []] });
  expect(status).toBe(202);
  expect(body['accepted']).toBe(0);
  expect(body['rejected']).toHaveLength(3);
  expect(collector.difference()).toBe(0);
});

it('C1: gives all events of a request one receivedAt, and corrects their times by sentAt', async () => {
  await using collector = await startCollector();
  const behind = Date.now() - 3_600_000;
  const { body } = await collector.post('/api/events/batch', {
    sentAt: behind,
    events: [event({ timestamp: behind - 1_000 }), event({ timestamp: behind })],
  });
  const rows = collector.events();
  expect(new Set(rows.map(({ receivedAtMs }) => new Date(receivedAtMs).toISOString()))).toEqual(
    new Set([body['receivedAt']]),
  );
  expect(rows[0]!.timeMs - (behind - 1_000)).toBe(3_600_000);
});

it("C6: counts a duplicate as accepted: telling it from the first copy is the processor's", async () => {
  await using collector = await startCollector();
  const sent = event();
  expect(await collector.post('/api/events/batch', { events: [sent, sent] })).toMatchObject({
    status: 202,
    body: { accepted: 2, rejected: [] },
  });
});

it('C7: keeps a body that is not JSON, or no batch, as one quarantined item', async () => {
  await using collector = await startCollector();
  for (const [path, raw, code] of [
    ['/api/events', '{"eventId":', 'invalid_json'],
    ['/api/events/batch', '', 'invalid_json'],
    ['/api/events/batch', '[1,2]', 'invalid_batch'],
    ['/api/events/batch', '{"events":{}}', 'invalid_batch'],
  ] as const) {
    const { status, body } = await collector.post(path, raw);
    expect([status, body['code'], body['quarantined']]).toEqual([400, code, true]);
    expect(collector.quarantined().at(-1)).toMatchObject({ kind: 'item', code, original: raw });
  }
  expect(collector.quarantined()).toHaveLength(4);
  expect(collector.difference()).toBe(0);
});

it('C6: counts bots as filtered where the project drops them', async () => {
  await using collector = await startCollector();
  collector.grants.set(KEY, { ...GRANT, settings: { ...GRANT.settings, bots: 'drop' } });
  const bot = event({ context: { userAgent: 'Googlebot/2.1 (+http://www.google.com/bot.html)' } });
  expect(await collector.post('/api/events', bot)).toMatchObject({
    status: 202,
    body: { status: 'filtered', reason: 'bot' },
  });
  expect(await collector.post('/api/events/batch', { events: [bot, event()] })).toMatchObject({
    body: { accepted: 1, filtered: 1, rejected: [] },
  });
  expect(collector.quarantined()).toMatchObject([
    { kind: 'tally', outcome: 'filtered', code: 'bot', events: 1 },
    { kind: 'tally', outcome: 'filtered', code: 'bot', events: 1 },
  ]);
  expect(collector.difference()).toBe(0);
});

it('C3: judges bodies by content: text/plain, form labels, gzip without a label, a label without gzip, a byte order mark', async () => {
  await using collector = await startCollector();
  const raw = () => JSON.stringify(event({ eventName: 'café ☕' }));
  const cases: [Buffer, Record<string, string>][] = [
    [Buffer.from(raw()), { 'content-type': 'text/plain;charset=UTF-8' }],
    [Buffer.from(raw()), { 'content-type': 'application/x-www-form-urlencoded' }],
    [gzipSync(raw()), { 'content-encoding': 'gzip' }],
    [gzipSync(raw()), { 'content-type': 'text/plain' }],
    [Buffer.from(raw()), { 'content-encoding': 'gzip' }],
    [Buffer.from(raw()), { 'content-encoding': 'identity' }],
    [Buffer.from(`\ufeff${raw()}`), {}],
  ];
  for (const [bytes, headers] of cases)
    expect(await collector.post('/api/events', bytes, headers)).toMatchObject({ status: 202 });
  expect(collector.events().map(({ eventName }) => eventName)).toEqual(cases.map(() => 'café ☕'));
});

it('C8: quarantines only the events whose bytes are not UTF-8', async () => {
  await using collector = await startCollector();
  const good = JSON.stringify(event({ eventName: 'größe' }));
  const latin1 = Buffer.from(JSON.stringify({ ...event(), eventId: 'latin', eventName: 'größe' }), 'latin1');
  const { body } = await collector.post(
    '/api/events/batch',
    Buffer.concat([Buffer.from(`{"events":[${good},`), latin1, Buffer.from(`,${good}]}`)]),
  );
  expect(body).toMatchObject({
    accepted: 2,
    rejected: [{ index: 1, eventId: 'latin', code: 'invalid_unicode', quarantined: true }],
  });
  const [item] = collector.quarantined();
  expect(item).toMatchObject({ encoding: 'base64', original: latin1.toString('base64') });
  expect(await collector.post('/api/events', latin1)).toMatchObject({ status: 400, body: { code: 'invalid_unicode' } });
});

it('C6: keeps the neighbours when admission itself fails on an event', async () => {
  const { createAdmission } = await import('@tidemark/pipeline');
  const real = createAdmission({ countryOf: () => '' });
  await using collector = await startCollector({
    admission: {
      admit(value, facts) {
        if ((value as { eventName: string }).eventName === 'poison') throw new Error('a fault of ours');
        return real.admit(value, facts);
      },
    },
  });
  const { body } = await collector.post('/api/events/batch', {
    events: [event(), event({ eventId: 'p', eventName: 'poison' }), event()],
  });
  expect(body).toMatchObject({
    accepted: 2,
    rejected: [{ index: 1, eventId: 'p', code: 'internal_error', quarantined: true }],
  });
  expect(collector.logged).toHaveLength(1);
  expect(collector.difference()).toBe(0);
});
