import { request } from 'node:http';
import { gzipSync, deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { event, GRANT, KEY, startCollector } from './testing/server.ts';
import type { RunningCollector } from './testing/server.ts';

/** The head is sent, the body only as `write` says; for answers that come before the body. */
function postSlowly(
  collector: RunningCollector,
  headers: Record<string, string | number>,
  write: (body: { write(chunk: string | Buffer): void; end(): void }) => void = () => {},
): Promise<{ status: number; headers: Record<string, unknown>; body: Record<string, unknown>; continued: boolean }> {
  return new Promise((resolve, reject) => {
    let continued = false;
    const sent = request({
      port: collector.port,
      path: '/api/events/batch',
      method: 'POST',
      headers: { authorization: `Bearer ${KEY}`, ...headers },
    });
    sent.on('continue', () => {
      continued = true;
      write(sent);
    });
    sent.on('response', (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => {
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: JSON.parse(text) as Record<string, unknown>,
          continued,
        });
        sent.destroy();
      });
    });
    sent.on('error', reject);
    sent.flushHeaders();
    if (headers['expect'] === undefined) write(sent);
  });
}

it('C2: wants a key it knows', async () => {
  await using collector = await startCollector();
  for (const authorization of ['Bearer nobody', 'Basic bm9ib2R5Og==', 'Bearer ', 'Digest x']) {
    const { status, headers, body } = await collector.post('/api/events', event(), { authorization });
    expect([status, body['code']]).toEqual([401, 'unknown_write_key']);
    expect(headers.get('www-authenticate')).toContain('Bearer');
  }
  const token = await collector.post('/api/events', event(), { authorization: `Bearer tm_${'x'.repeat(40)}` });
  expect(token.body['detail']).toContain('API token');
  expect(collector.log.snapshot(0).received).toEqual([]);
});

it('C2: takes the key as Bearer, Basic, in the query or in the body; the part before the colon counts', async () => {
  await using collector = await startCollector();
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  for (const authorization of [
    `Bearer ${KEY}`,
    `bearer ${KEY}:secret`,
    basic(`${KEY}:`),
    basic(`${KEY}:x`),
    basic(KEY),
  ]) {
    expect(await collector.post('/api/events', event(), { authorization })).toMatchObject({ status: 202 });
  }
  const none = { authorization: '' };
  expect(await collector.post(`/api/events?a=1&writeKey=${KEY}`, event(), none)).toMatchObject({ status: 202 });
  expect(await collector.post('/api/events', { ...event(), writeKey: KEY }, none)).toMatchObject({ status: 202 });
  expect(await collector.post('/api/events/batch', { events: [event()], writeKey: `${KEY}:` }, none)).toMatchObject({
    status: 202,
  });
  const zipped = gzipSync(JSON.stringify({ events: [event()], writeKey: KEY }));
  expect(await collector.post('/api/events/batch', zipped, none)).toMatchObject({ status: 202 });
  expect(collector.events()).toHaveLength(9);
  expect(await collector.post('/api/events', `{"writeKey":"${KEY}",`, none)).toMatchObject({ status: 401 });
  expect(await collector.post('/api/events', { events: [{ writeKey: KEY }] }, none)).toMatchObject({ status: 401 });
  expect(collector.quarantined()).toEqual([]);
});

it('C3: refuses only encodings it cannot undo', async () => {
  await using collector = await startCollector();
  for (const [encoding, bytes] of [
    ['deflate', deflateSync('{}')],
    ['br', Buffer.from('x')],
    ['gzip, gzip', gzipSync('{}')],
  ] as const) {
    const { status, headers, body } = await collector.post('/api/events', bytes, { 'content-encoding': encoding });
    expect([status, body['code']]).toEqual([415, 'unsupported_encoding']);
    expect(headers.get('accept-encoding')).toContain('gzip');
  }
});

it('C4: refuses by the declared size before a byte of the body is read, and says so before 100-continue', async () => {
  await using collector = await startCollector();
  const plain = await postSlowly(collector, { 'content-length': 5_000_000 });
  expect([plain.status, plain.body['code']]).toEqual([413, 'body_too_large']);
  const expecting = await postSlowly(collector, { 'content-length': 5_000_000, expect: '100-continue' }, (body) =>
    body.end(),
  );
  expect([expecting.status, expecting.continued]).toEqual([413, false]);
});

it('C4: lets a client that expects 100-continue go on', async () => {
  await using collector = await startCollector();
  const body = JSON.stringify({ events: [event()] });
  const answer = await postSlowly(collector, { 'content-length': body.length, expect: '100-continue' }, (sent) => {
    sent.write(body);
    sent.end();
  });
  expect([answer.status, answer.continued]).toEqual([202, true]);
});

it('C4: counts chunked bodies as they come', async () => {
  await using collector = await startCollector();
  const answer = await postSlowly(collector, { 'transfer-encoding': 'chunked' }, (body) => {
    for (let i = 0; i < 6; i++) body.write(Buffer.alloc(1_000_000, 0x20));
  });
  expect([answer.status, answer.body['code']]).toEqual([413, 'body_too_large']);
});

it('C4: bounds what gzip may grow to', async () => {
  await using collector = await startCollector();
  const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024));
  expect(bomb.length).toBeLessThan(300_000);
  expect(await collector.post('/api/events', bomb)).toMatchObject({ status: 413, body: { code: 'body_too_large' } });
  const legal = gzipSync(JSON.stringify({ events: [event()], pad: ' '.repeat(15 * 1024 * 1024) }));
  expect(await collector.post('/api/events/batch', legal)).toMatchObject({ status: 202 });
});

it('C7: keeps gzip that breaks off as it came', async () => {
  await using collector = await startCollector();
  const cut = gzipSync(JSON.stringify(event())).subarray(0, 40);
  expect(await collector.post('/api/events', cut)).toMatchObject({
    status: 400,
    body: { code: 'invalid_json', quarantined: true },
  });
  expect(collector.quarantined()).toMatchObject([{ encoding: 'base64', original: cut.toString('base64') }]);
  expect(collector.difference()).toBe(0);
});

it('C4: refuses too many events, and JSON that would take seconds to parse', async () => {
  await using collector = await startCollector();
  expect(await collector.post('/api/events/batch', { events: Array(5_001).fill(0) })).toMatchObject({
    status: 413,
    body: { code: 'too_many_events' },
  });
  for (const hostile of ['['.repeat(4_000_000), `[${'{},'.repeat(1_000_000)}{}]`, '{"a":'.repeat(700_000)]) {
    const before = process.cpuUsage();
    expect(await collector.post('/api/events/batch', hostile)).toMatchObject({ status: 413 });
    expect(process.cpuUsage(before).user).toBeLessThan(1e6);
  }
  expect(collector.log.snapshot(0).received).toEqual([]);
});

it('C9: limits a key by events, with Retry-After, and lets it in again', async () => {
  let nowMs = 1_000_000;
  await using collector = await startCollector({ nowMs: () => nowMs });
  collector.grants.set(KEY, { ...GRANT, limits: { eventsPerSecond: 10, bytesPerSecond: null } });
  for (let i = 0; i < 10; i++) expect((await collector.post('/api/events', event())).status).toBe(202);
  const refused = await collector.post('/api/events', event());
  expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([
    429,
    'rate_limited',
    '1',
  ]);
  nowMs += 1_000;
  // A batch over the allowance goes in and is paid off: 10 - 35 = -25, so 2.6 s until there is one again.
  expect(
    (await collector.post('/api/events/batch', { events: Array.from({ length: 35 }, () => event()) })).status,
  ).toBe(202);
  expect((await collector.post('/api/events', event())).headers.get('retry-after')).toBe('3');
  nowMs += 2_600;
  expect((await collector.post('/api/events', { ...event(), writeKey: KEY }, { authorization: '' })).status).toBe(202);
  expect(collector.difference()).toBe(0);
});

it('C9: limits a key by bytes, and not at all when rate limits are off', async () => {
  const limited = { ...GRANT, limits: { eventsPerSecond: null, bytesPerSecond: 1_000 } };
  const large = () => event({ properties: { text: 'x'.repeat(5_000) } });
  await using collector = await startCollector({ nowMs: () => 0 });
  collector.grants.set(KEY, limited);
  expect((await collector.post('/api/events', gzipSync(JSON.stringify(large())))).status).toBe(202);
  expect((await collector.post('/api/events', large())).status).toBe(429);
  await using free = await startCollector({ nowMs: () => 0, rateLimits: false });
  free.grants.set(KEY, limited);
  for (let i = 0; i < 3; i++) expect((await free.post('/api/events', large())).status).toBe(202);
});

it('C12: says that only POST is right here, and shows refusals to pages of any origin', async () => {
  await using collector = await startCollector();
  const get = await fetch(`${collector.url}/api/events/batch`, { headers: { origin: 'https://shop.example' } });
  expect([get.status, get.headers.get('allow'), get.headers.get('access-control-allow-origin')]).toEqual([
    405,
    'POST, OPTIONS',
    'https://shop.example',
  ]);
  const { headers } = await collector.post('/api/events', event(), {
    authorization: 'Bearer nobody',
    origin: 'https://shop.example',
  });
  expect(headers.get('access-control-allow-origin')).toBe('https://shop.example');
  expect(headers.get('access-control-allow-credentials')).toBe('true');
  expect(headers.get('access-control-expose-headers')).toBe('Retry-After');
});

it('C12: answers preflights with what was asked for', async () => {
  await using collector = await startCollector();
  const answer = await fetch(`${collector.url}/api/events`, {
    method: 'OPTIONS',
    headers: {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-retry-count',
    },
  });
  expect(answer.status).toBe(204);
  expect(answer.headers.get('access-control-allow-headers')).toBe('authorization,x-retry-count');
  expect(answer.headers.get('access-control-allow-methods')).toContain('POST');
  expect(Number(answer.headers.get('access-control-max-age'))).toBeGreaterThan(0);
});
