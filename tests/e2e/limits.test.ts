/** Hostile and broken input: a clear error with a stable code, and the process lives (DESIGN 4, Limits). */
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { API_TOKEN, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';

let server: ServerUnderTest;
let shop: Project;
let number = 0;

beforeAll(async () => {
  server = await ServerUnderTest.start();
  shop = await Project.first(server);
});
afterAll(() => server.stop());
afterEach(async () => {
  expect((await shop.post('/api/events', event())).status, 'the collector lives').toBe(202);
  expect(server.output).not.toContain('is gone');
});

const event = (fields: Json = {}): Json => ({ eventId: `h${number++}`, eventName: 'seen', userId: 'u', ...fields });
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const keys = (count: number): Json => Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, i]));

async function codeOf(body: unknown, path = '/api/events'): Promise<[number, string]> {
  const response = await shop.post(path, body);
  return [response.status, ((await response.json()) as Json)['code'] as string];
}

describe('limits', () => {
  it('4 MB on the wire', async () => {
    expect(await codeOf(' '.repeat(4 * 1024 * 1024 + 1))).toEqual([413, expect.any(String)]);
  });
  it('4 MB on the wire, sent in chunks without a length', async () => {
    const answer = await raw(
      `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${shop.key}\r\nTransfer-Encoding: chunked\r\n\r\n`,
      ...Array.from({ length: 70 }, () => `10000\r\n${' '.repeat(65_536)}\r\n`),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
  });
  it('16 MB decompressed: a gzip bomb is 413', async () => {
    const bomb = gzipSync(Buffer.alloc(400 * 1024 * 1024));
    expect(bomb.length).toBeLessThan(4 * 1024 * 1024);
    expect(await codeOf(bomb)).toEqual([413, expect.any(String)]);
  });
  it('depth 20', async () => {
    expect(
      (await shop.post('/api/events', `{"eventId":"deep-ok","eventName":"e","userId":"u","properties":${nested(20)}}`))
        .status,
    ).toBe(202);
    expect((await codeOf(`{"eventId":"deep","eventName":"e","userId":"u","properties":${nested(21)}}`))[0]).toBe(400);
  });
  it('512 properties', async () => {
    expect((await shop.post('/api/events', event({ properties: keys(512) }))).status).toBe(202);
    expect((await codeOf(event({ properties: keys(513) })))[0]).toBe(400);
  });
  it('the token side has its own: a question of 2 MB is 413', async () => {
    const response = await shop.request('/api/analytics/trend', {
      body: { series: [{ event: 'x'.repeat(2 * 1024 * 1024) }] },
    });
    expect(response.status).toBe(413);
  });
  it.each([
    ['a question', '/api/analytics/trend', API_TOKEN],
    ['a batch', '/api/events/batch', WRITE_KEY],
  ])('%s of 30 MB is 413 to every sender: who reads meanwhile, who writes all of it first, and who closes after it', async (_what, path, secret) => {
    const values = Buffer.from(JSON.stringify({ series: [{ where: [{ property: 'eventName', op: 'in', value: Array.from({ length: 1_500_000 }, (_, i) => `a value ${i}`) }] }] }));
    expect(values.length).toBeGreaterThan(25_000_000);
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const fetched = await fetch(server.url + path, { method: 'POST', headers, body: values });
    expect([fetched.status, ((await fetched.json()) as Json)['code']]).toEqual([413, 'body_too_large']);
    for (const connection of ['keep-alive', 'close']) {
      for (const pauseMs of [0, 1_200]) {
        const answer = await writeThenRead(path, { ...headers, connection }, values, pauseMs);
        expect(answer, `${connection} ${pauseMs}`).toMatch(/^HTTP\/1\.1 413 [^]*"code":"body_too_large"/);
      }
    }
  });
  it('a refusal before the end of a body leaves the connection fit for the next request', async () => {
    for (let round = 0; round < 10; round++) {
      const response = await shop.request('/api/analytics/trend', { body: 'x'.repeat(2 * 1024 * 1024) });
      expect(response.status).toBe(413);
      await response.text();
      expect((await fetch(`${server.url}/livez`, { signal: AbortSignal.timeout(2_000) })).status).toBe(200);
    }
  });
});

describe('hostile JSON', () => {
  it('nested a million deep is no 5xx', async () => {
    // Over 500,000 values (rule C4); the second has fewer and reaches the parser.
    expect((await codeOf('['.repeat(1_000_000)))[0]).toBe(413);
    expect((await codeOf('['.repeat(400_000)))[0]).toBe(400);
    expect((await codeOf(`{"eventId":"x","eventName":"e","userId":"u","properties":${nested(200_000)}}`))[0]).toBe(413);
  });
  it.each([
    [
      'numbers that JSON knows and doubles do not',
      '{"a":1e400,"b":-1e400,"c":123456789012345678901234567890,"d":18446744073709551616,"e":-0}',
    ],
    ['lone surrogates', '{"a":"\\ud800","\\udfff":1,"b":"x\\udc00y"}'],
    ['NUL and control characters', '{"a\\u0000b":"\\u0000","c":"\\u001f"}'],
    ['keys twice', '{"a":1,"a":{"b":2},"a":"3"}'],
    ['keys that clash when dots are paths', '{"a.b":1,"a":{"b":2},"a.":{"":3},"":{"":4},".":5}'],
    ['keys of prototypes', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"toString":1}'],
    ['one path of many types', '{"a":[1,"x",null,{"b":[[]]},[{}],true]}'],
    ['text that looks like dates and numbers', '{"a":"2026-01-01","b":"0x10","c":"NaN","d":"1e5","e":"inf"}'],
  ])('%s are stored, or refused, and hold nobody up', async (_what, properties) => {
    const id = `j${number++}`;
    const response = await shop.post(
      '/api/events',
      `{"eventId":"${id}","eventName":"odd","userId":"odd","properties":${properties}}`,
    );
    expect([202, 400]).toContain(response.status);
    const answer = (await response.json()) as Json;
    shop.receivedAt = answer['receivedAt'];
    await shop.settled();
    const trace = await shop.api(`/api/events/${id}`);
    expect(trace['outcome']).toBe(response.status === 202 ? 'stored' : 'quarantined');
    expect((await shop.api('/api/pipeline'))['balance']).toMatchObject({ pending: 0, difference: 0 });
  });
  it('names and ids are only names: paths, quotes, SQL, markup, a very odd unicode', async () => {
    const odd = [
      '../../etc/passwd',
      "x'; DROP TABLE events; --",
      '<script>alert(1)</script>',
      '%2e%2e/%00',
      'a\u0000b',
      '\u202Eevil',
      'CON',
      '..',
      '/',
      '\\',
    ];
    await shop.send(odd.map((name) => event({ eventName: name, userId: name, anonymousId: name })));
    for (const name of odd) {
      expect((await shop.ask('trend', { series: [{ event: name }], range: 'today' }))['series'][0].total, name).toBe(1);
    }
    for (const name of odd.filter((each) => each !== '..')) {
      const path = `/api/users/${encodeURIComponent(name)}/timeline`;
      expect(
        (await shop.api(path))['events'].map((each: Json) => each['eventName']),
        name,
      ).toEqual([name]);
    }
  });
});

describe('broken HTTP', () => {
  it('half a request is forgotten', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.write(
      `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${shop.key}\r\nContent-Length: 1000\r\n\r\n{"eventId":"half"`,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    socket.destroy();
    await shop.send([event()]);
    await shop.settled();
    await shop.api('/api/events/half', undefined, { status: 404 });
  });
  it.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400],
    ['two lengths', 'POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 400],
    [
      'a length and chunks',
      'POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a head of 100 KB', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, 431],
  ])('%s is %i', async (_what, text, status) => {
    expect(await raw(text)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
  it('a torn gzip is 400 and kept', async () => {
    const packed = gzipSync(JSON.stringify(event({ properties: keys(300) })));
    expect(await codeOf(packed.subarray(0, packed.length >> 1))).toEqual([400, 'invalid_json']);
  });
  it('odd addresses are 4xx', async () => {
    for (const path of [
      '/api/events/%E0%A4%A',
      '/%',
      '/api/../../etc/passwd',
      '/api/users//timeline',
      '/nothing',
      `/api/events/${'x'.repeat(5_000)}`,
    ]) {
      const response = await shop.request(path);
      expect(response.status, path).toBeGreaterThanOrEqual(400);
      expect(response.status, path).toBeLessThan(500);
      expect(response.headers.get('content-type'), path).toMatch(/problem\+json/);
    }
  });
});

/**
 * As clients do that block: not a byte of the answer is read before the last of the body is written, half of it after a pause. Fails when
 * the connection does not take all of it.
 */
async function writeThenRead(path: string, headers: Record<string, string>, body: Buffer, pauseMs: number): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1').pause();
  // A failed write tells of it, too.
  socket.on('error', () => {});
  const write = (bytes: string | Buffer): Promise<void> => new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())));
  try {
    const lines = Object.entries({ host: 'x', ...headers, 'content-length': String(body.length) }).map(([name, value]) => `${name}: ${value}\r\n`);
    await write(`POST ${path} HTTP/1.1\r\n${lines.join('')}\r\n`);
    await write(body.subarray(0, body.length >> 1));
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    await write(body.subarray(body.length >> 1));
    let text = '';
    for await (const chunk of socket.setEncoding('utf8')) if ((text += String(chunk)).endsWith('}')) break;
    return text;
  } finally {
    socket.destroy();
  }
}

/** What a server says to bytes on the wire. */
function raw(...parts: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk) => {
      text += String(chunk);
      if (text.includes('\r\n\r\n')) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', (error: NodeJS.ErrnoException) =>
      ['EPIPE', 'ECONNRESET'].includes(error.code ?? '') ? resolve(text) : reject(error),
    );
    for (const part of parts) socket.write(part);
  });
}
