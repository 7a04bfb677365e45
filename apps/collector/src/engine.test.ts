import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, it } from 'vitest';
import { startEngine } from './testing/engine.ts';
import { openRaw } from './testing/sockets.ts';
import { event, startCollector } from './testing/server.ts';

it('C16: hands everything else on: method, path, query, headers, body, and the answer back', async () => {
  await using collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      res.writeHead(418, { 'x-engine': 'yes', 'set-cookie': ['a=1', 'b=2'], 'content-type': 'application/json' });
      res.end(
        JSON.stringify({
          method: req.method,
          url: req.url,
          headers: req.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
  });
  const answer = await fetch(`${collector.url}/api/analytics/trend?x=%2F`, {
    method: 'PUT',
    body: '{"q":1}',
    headers: { authorization: 'Bearer T', 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https', te: 'trailers' },
  });
  expect([answer.status, answer.headers.get('x-engine'), answer.headers.getSetCookie()]).toEqual([
    418,
    'yes',
    ['a=1', 'b=2'],
  ]);
  const got = (await answer.json()) as { method: string; url: string; headers: Record<string, string>; body: string };
  expect(got).toMatchObject({ method: 'PUT', url: '/api/analytics/trend?x=%2F', body: '{"q":1}' });
  expect(got.headers).toMatchObject({
    authorization: 'Bearer T',
    host: `127.0.0.1:${collector.port}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
  });
  expect(got.headers['te']).toBeUndefined();
  for (const path of ['/', '/api/events/check', '/api/events/some-id', '/api/events/live', '/api/eventsx']) {
    expect((await fetch(collector.url + path)).status).toBe(418);
  }
});

it('C13: adds itself to X-Forwarded-For behind a proxy it trusts', async () => {
  await using collector = await startCollector({ trustProxy: 1 });
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) =>
    res.end(JSON.stringify(req.headers)),
  );
  const headers = (await (
    await fetch(collector.url, { headers: { 'x-forwarded-for': '6.6.6.6', 'x-forwarded-proto': 'https' } })
  ).json()) as object;
  expect(headers).toMatchObject({ 'x-forwarded-for': '6.6.6.6, 127.0.0.1', 'x-forwarded-proto': 'https' });
});

it('C16: answers 503 with Retry-After while the engine is away, and takes events meanwhile', async () => {
  await using collector = await startCollector();
  for (const init of [{}, { method: 'POST', body: 'x'.repeat(1_000_000) }]) {
    const answer = await fetch(`${collector.url}/api/pipeline`, init);
    expect([answer.status, answer.headers.get('retry-after'), answer.headers.get('content-type')]).toEqual([
      503,
      '2',
      'application/problem+json',
    ]);
    expect(((await answer.json()) as { code: string }).code).toBe('engine_unavailable');
  }
  // A person's browser tries again by itself.
  expect((await fetch(collector.url, { headers: { accept: 'text/html' } })).headers.get('refresh')).toBe('2');
  expect((await collector.post('/api/events', event())).status).toBe(202);
});

it('C16: passes server-sent events on as they come, and tells the engine when the reader leaves', async () => {
  await using collector = await startCollector();
  let live: ServerResponse | undefined;
  let left: Promise<unknown> | undefined;
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    live = res;
    left = once(res, 'close');
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.flushHeaders();
  });
  const abort = new AbortController();
  const answer = await fetch(`${collector.url}/api/events/live`, { signal: abort.signal });
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const reader = answer.body!.getReader();
  for (const text of ['event: stored\n\n', ': beat\n\n']) {
    live!.write(text);
    expect(Buffer.from((await reader.read()).value!).toString()).toBe(text);
  }
  abort.abort();
  await left;
});

it('C16: streams large answers without holding them, at the pace of the reader', async () => {
  await using collector = await startCollector();
  const total = 64 * 1024 * 1024;
  let written = 0;
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    const chunk = Buffer.alloc(256 * 1024, 0x61);
    function fill(): void {
      while (written < total) {
        written += chunk.length;
        if (!res.write(chunk)) return void res.once('drain', fill);
      }
      res.end();
    }
    fill();
  });
  const asked = request({ port: collector.port, path: '/export' });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.pause();
  await new Promise((next) => setTimeout(next, 300));
  // Sockets and pipes hold a few MB; the rest must not have been produced yet.
  expect(written).toBeLessThan(total / 2);
  let read = 0;
  answer.on('data', (chunk: Buffer) => (read += chunk.length));
  answer.resume();
  await once(answer, 'end');
  expect(read).toBe(total);
});

it('C16: breaks an answer off when the engine dies in the middle of it', async () => {
  await using collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    res.write('{"half":');
    setTimeout(() => res.socket!.destroy(), 50);
  });
  const answer = await fetch(`${collector.url}/export`);
  await expect(answer.text()).rejects.toThrow('terminated');
});

it('C16: passes an answer on that comes before the request is read', async () => {
  await using collector = await startCollector();
  await using _engine = await startEngine(
    collector.engineSocketPath,
    (_, res) => void res.writeHead(401, { 'content-length': 2 }).end('no'),
  );
  const answer = await fetch(`${collector.url}/api/projects`, { method: 'POST', body: 'x'.repeat(50_000) });
  expect([answer.status, await answer.text()]).toEqual([401, 'no']);
});

it('C16: gives the engine a limited time to begin', async () => {
  await using collector = await startCollector({ bounds: { engineTimeoutMs: 100 } });
  await using _engine = await startEngine(collector.engineSocketPath, () => {});
  const answer = await fetch(`${collector.url}/slow`);
  expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([504, 'engine_timeout']);
});

it('C16: answers probes: alive by itself, ready with the engine, metrics of both', async () => {
  await using collector = await startCollector();
  expect(await (await fetch(`${collector.url}/livez`)).json()).toEqual({ status: 'live' });
  const away = await fetch(`${collector.url}/readyz`);
  expect([away.status, ((await away.json()) as { part: string }).part]).toEqual([503, 'engine']);
  await collector.post('/api/events', event());
  const own = await (await fetch(`${collector.url}/metrics`)).text();
  expect(own).toMatch(/tidemark_ingest_events_total\{.*result="accepted".*\} 1/);
  expect(own).toMatch(/tidemark_ingest_requests_total\{.*status="202".*\} 1/);
  expect(own).toMatch(/tidemark_ingest_connections\{.*\} [1-9]/);

  let ready = 200;
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    if (req.url === '/readyz') res.writeHead(ready, { 'content-type': 'application/json' }).end('{"part":"warehouse"}');
    else
      res.end(
        '# HELP tidemark_live_clients Readers.\n# TYPE tidemark_live_clients gauge\ntidemark_live_clients{role="engine"} 3\n',
      );
  });
  expect((await fetch(`${collector.url}/readyz`)).status).toBe(200);
  ready = 503;
  expect(await (await fetch(`${collector.url}/readyz`)).json()).toEqual({ part: 'warehouse' });
  const both = await (await fetch(`${collector.url}/metrics`)).text();
  expect(both).toContain('tidemark_live_clients{role="engine"} 3');
  expect(both).toContain('tidemark_ingest_events_total');
});

it('C15: drains: answers what is in flight, ends live streams, takes no more, and closes soon', async () => {
  const collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' });
    res.write(': hello\n\n');
  });
  const live = await fetch(`${collector.url}/api/events/live`);
  const idle = openRaw(collector.port);
  idle.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  await idle.until(/live/);
  const silent = openRaw(collector.port);
  collector.log.stall();
  const inFlight = collector.post('/api/events', event());
  const half = openRaw(collector.port);
  const body = JSON.stringify({ ...event(), writeKey: 'c000000000000000000000001' });
  half.write(`POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`);
  const metrics = async () => (await fetch(`${collector.url}/metrics`)).text();
  await expect.poll(metrics).toMatch(/tidemark_ingest_inflight_bytes\{.*\} (?!0\n)/);
  await expect.poll(() => collector.log.pendingBytes).toBeGreaterThan(0);
  const startedAt = performance.now();
  const closed = collector.close();
  await expect(fetch(`${collector.url}/livez`)).rejects.toThrow('fetch failed');
  half.write(body.slice(10));
  setTimeout(() => collector.log.resume(), 100);
  expect((await inFlight).status).toBe(202);
  expect(await half.closed()).toMatch(/^HTTP\/1\.1 202/);
  expect(await live.text()).toBe(': hello\n\n');
  await closed;
  expect(await silent.closed()).toBe('');
  // Less than what is given to those that don't end.
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  expect(collector.events()).toHaveLength(2);
});

it('C15: cuts off what does not end in time', async () => {
  const collector = await startCollector({ bounds: { drainTimeoutMs: 200 } });
  const raw = openRaw(collector.port);
  raw.write('POST /api/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{');
  await new Promise((next) => setTimeout(next, 50));
  await collector.close();
  await raw.closed();
});
