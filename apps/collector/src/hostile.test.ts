import { expect, it } from 'vitest';
import { openRaw } from './testing/sockets.ts';
import { event, KEY, startCollector } from './testing/server.ts';

const AUTH = `Host: x\r\nAuthorization: Bearer ${KEY}\r\n`;

it('C14: answers what is not HTTP with a problem document, and lives', async () => {
  await using collector = await startCollector();
  for (const [sent, status, code] of [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'bad_request'],
    ['GET / HTTP/9.9\r\n\r\n', 400, 'bad_request'],
    [`POST /api/events HTTP/1.1\r\n${AUTH}Content-Length: x\r\n\r\n`, 400, 'bad_request'],
    [
      `POST /api/events HTTP/1.1\r\n${AUTH}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      400,
      'bad_request',
    ],
    [`POST /api/events HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 'bad_request'],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
  ] as const) {
    const raw = openRaw(collector.port);
    raw.write(Buffer.from(sent, 'latin1'));
    const answer = await raw.closed();
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toContain(`"code":"${code}"`);
    expect(answer).toContain('application/problem+json');
  }
  expect((await collector.post('/api/events', event())).status).toBe(202);
});

it('C11: forgets requests whose sender goes away half way', async () => {
  await using collector = await startCollector();
  for (const sent of [
    'POST /api/ev',
    `POST /api/events HTTP/1.1\r\n${AUTH}`,
    `POST /api/events HTTP/1.1\r\n${AUTH}Content-Length: 100\r\n\r\n{"eventId":"half"`,
    `POST /api/events HTTP/1.1\r\n${AUTH}Transfer-Encoding: chunked\r\n\r\n5\r\n{"eve\r\n`,
  ]) {
    const raw = openRaw(collector.port);
    raw.write(sent);
    await new Promise((next) => setTimeout(next, 30));
    raw.socket.destroy();
  }
  expect((await collector.post('/api/events', event())).status).toBe(202);
  expect(collector.events()).toHaveLength(1);
  expect(collector.log.snapshot(0).received).toMatchObject([{ received: 1 }]);
  const metrics = async () => (await fetch(`${collector.url}/metrics`)).text();
  await expect.poll(metrics).toMatch(/tidemark_ingest_refused_total\{.*code="aborted".*\} 2/);
});

it('C14: gives slow heads and slow bodies a limited time, with a word', async () => {
  await using collector = await startCollector({ bounds: { headersTimeoutMs: 300, requestTimeoutMs: 600 } });
  const slowHead = openRaw(collector.port);
  slowHead.write('POST /api/events HTTP/1.1\r\nHost:');
  const slowBody = openRaw(collector.port);
  slowBody.write(`POST /api/events HTTP/1.1\r\n${AUTH}Content-Length: 100\r\n\r\n{`);
  const drip = setInterval(() => slowBody.write(' '), 50);
  expect(await slowHead.closed()).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
  expect(await slowBody.closed()).toMatch(/^HTTP\/1\.1 408 [^]*request_timeout/);
  clearInterval(drip);
  expect((await collector.post('/api/events', event())).status).toBe(202);
});

it('C14: drops connections over its bound and goes on with the others', async () => {
  await using collector = await startCollector({ bounds: { maxConnections: 3 } });
  const idle = [openRaw(collector.port), openRaw(collector.port), openRaw(collector.port)];
  await Promise.all(idle.map((raw) => new Promise((next) => raw.socket.once('connect', next))));
  await new Promise((next) => setTimeout(next, 50));
  await expect(collector.post('/api/events', event())).rejects.toThrow('fetch failed');
  idle[0]!.socket.destroy();
  const post = async () => (await collector.post('/api/events', event(), { connection: 'close' })).status;
  await expect.poll(post).toBe(202);
  for (const raw of idle) raw.socket.destroy();
});

it('C1: takes pipelined requests in order, and absolute addresses', async () => {
  await using collector = await startCollector();
  const raw = openRaw(collector.port);
  const request = (id: string, target = '/api/events') => {
    const body = JSON.stringify(event({ eventId: id }));
    return `POST ${target} HTTP/1.1\r\n${AUTH}Content-Length: ${body.length}\r\n\r\n${body}`;
  };
  raw.write(request('one') + request('two') + request('three', 'http://events.example/api/events'));
  const answers = await raw.until(/one[^]*two[^]*three/);
  expect(answers.match(/HTTP\/1\.1 202 Accepted/g)).toHaveLength(3);
  raw.socket.destroy();
});

it('C5: survives JSON made to hurt', async () => {
  await using collector = await startCollector();
  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  for (const [properties, status] of [
    [deep(60_000), 413],
    [deep(5_000), 400],
    ['{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}', 202],
    ['{"toString":1,"hasOwnProperty":2,"toJSON":3}', 202],
    ['{"a":1e400}', 400],
    ['{"a":-0,"b":123456789012345678901234567890,"a":2}', 202],
    [String.raw`{"\u0000":"\u0000","😀":"\ud83d"}`, 'any'],
    [`{${Array.from({ length: 2_000 }, (_, i) => `"k${i}":${i}`).join(',')}}`, 400],
  ] as const) {
    const raw = `{"eventId":"h-${Math.random()}","eventName":"x","userId":"u1","properties":${properties}}`;
    const answer = await collector.post('/api/events', raw);
    if (status !== 'any') expect([properties.slice(0, 40), answer.status]).toEqual([properties.slice(0, 40), status]);
    expect(answer.status).toBeLessThan(500);
  }
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  expect(collector.difference()).toBe(0);
});
