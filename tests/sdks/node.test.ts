/** The Node SDK against a real collector: under load, in outages, and at the end of a process, whichever that is. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTidemark } from '@tidemark/node';
import type { TidemarkOptions } from '@tidemark/node';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { bundleProgram } from '@tidemark/warehouse/testing';
import { Project } from '../e2e/project.ts';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { openGate } from './gate.ts';
import type { Gate } from './gate.ts';
import { numbersOf, readStored, upTo } from './stored.ts';

let server: ServerUnderTest;
let gate: Gate;
let label = '';
let count = 0;
const host = (options: Partial<TidemarkOptions> = {}): ReturnType<typeof createTidemark> =>
  createTidemark({ host: gate.url, writeKey: WRITE_KEY, flushOnExit: false, ...options });
const numbers = async (n: number): Promise<number[]> => numbersOf(await readStored(server, label, n));

beforeAll(async () => {
  server = await ServerUnderTest.start();
  await server.ready();
  gate = await openGate(server.url);
});
afterAll(async () => {
  await gate?.close();
  await server?.stop();
});
beforeEach(() => {
  label = `node_${count++}`;
  gate.mode = { kind: 'open' };
});

it('delivers 5,000 events tracked as fast as they come, with every call awaited and a queue of 500', async () => {
  const client = host({ whenFull: 'block', maxQueueEvents: 500, flushAt: 200 });
  let most = 0;
  const outcomes = new Set<string>();
  await Promise.all(
    upTo(4).map(async (lane) => {
      for (let n = lane; n < 5_000; n += 4) {
        outcomes.add(await client.track({ eventName: label, userId: `u${n % 100}`, properties: { n } }));
        most = Math.max(most, client.waiting.events);
      }
    }),
  );
  expect(await client.close(60_000)).toEqual({ left: 0 });
  expect([...outcomes]).toEqual(['queued']);
  expect(most).toBeLessThanOrEqual(500);
  expect(await numbers(5_000)).toEqual(upTo(5_000));
});

it('drops the oldest by default, turns the newest away where asked, and never throws', async () => {
  gate.mode = { kind: 'hanging' };
  const dropping = host({ maxQueueEvents: 600 });
  for (const n of upTo(1_000))
    expect(await dropping.track({ eventName: label, userId: 'u1', properties: { n } })).toBe('queued');
  expect(dropping.waiting.events).toBeLessThanOrEqual(600);
  const refusing = host({ maxQueueEvents: 600, whenFull: 'error' });
  const outcomes = await Promise.all(
    upTo(700).map((n) => refusing.track({ eventName: 'x', userId: 'u1', properties: { n } })),
  );
  expect(outcomes.filter((each) => each === 'refused')).toHaveLength(100);
  expect(await refusing.track(undefined as never)).toBe('invalid');
  expect(await refusing.track({ eventName: 'nobody did it' })).toBe('invalid');
  expect(await refusing.identify({ userId: 7 as never })).toBe('invalid');
  await refusing.close(0);
  gate.mode = { kind: 'open' };
  await dropping.close(20_000);
  // What was on its way when the gate hung is sent again; of the rest the youngest are there.
  const stored = await readStored(server, label, 600);
  expect(stored.some(({ properties }) => properties.n === 999)).toBe(true);
});

it('sends the batches of many invocations, each flushed at its end, over connections that are kept, packed where it pays', async () => {
  const connections = new Set<object>();
  const bodies: string[] = [];
  const collector = createServer((request, response) => {
    connections.add(request.socket);
    bodies.push(request.headers['content-encoding'] ?? 'plain');
    request.resume().on('end', () => {
      response.setHeader('content-type', 'application/json');
      response.end('{"accepted":1,"receivedAt":"2026-01-01T00:00:00.000Z","rejected":[]}');
    });
  });
  await new Promise<void>((done) => collector.listen(0, '127.0.0.1', done));
  const client = host({ host: `http://127.0.0.1:${(collector.address() as AddressInfo).port}` });
  for (const n of upTo(20)) {
    void client.track({ eventName: 'invoked', userId: 'u1', properties: { n, text: 'x'.repeat(n < 10 ? 10 : 2_000) } });
    // As a serverless platform freezes what has answered: by then nothing may wait.
    expect(await client.flush()).toBe(true);
    expect(client.waiting.events).toBe(0);
  }
  await client.close();
  await new Promise((done) => collector.close(done).closeAllConnections());
  expect(bodies).toEqual(upTo(20).map((n) => (n < 10 ? 'plain' : 'gzip')));
  // Another one where the next request comes before the last connection is known to be free.
  expect(connections.size).toBeLessThanOrEqual(2);
});

it('bears an outage: refused connections, then 503 with Retry-After', async () => {
  const client = host({ flushIntervalMs: 50 });
  await gate.shut();
  for (const n of upTo(50)) await client.track({ eventName: label, userId: 'u1', properties: { n } });
  expect(await client.flush()).toBe(false);
  await gate.reopen();
  gate.mode = { kind: 'answering', status: 503, retryAfter: '1' };
  expect(await client.flush()).toBe(false);
  gate.mode = { kind: 'open' };
  expect(await client.close(60_000)).toEqual({ left: 0 });
  expect(await numbers(50)).toEqual(upTo(50));
});

it('sends what waits at SIGTERM, and before an end by itself', async () => {
  const stopped = await start('stay');
  await said(stopped, 'tracked');
  stopped.kill('SIGTERM');
  expect(await once(stopped, 'exit')).toEqual([null, 'SIGTERM']);
  expect(await numbers(30)).toEqual(upTo(30));
  label = `node_${count++}`;
  expect(await once(await start('end'), 'exit')).toEqual([0, null]);
  expect(await numbers(30)).toEqual(upTo(30));
});

it('keeps a spool through kill -9 and an outage: the next process sends it', async () => {
  const spool = mkdtempSync(join(tmpdir(), 'tidemark-spool-'));
  await gate.shut();
  const killed = await start('stay', spool);
  await said(killed, 'tracked');
  killed.kill('SIGKILL');
  await once(killed, 'exit');
  await gate.reopen();
  const client = host({ spoolPath: spool });
  expect(await client.close(60_000)).toEqual({ left: 0 });
  expect(await numbers(30)).toEqual(upTo(30));
  expect(readdirSync(spool)).toEqual([]);
  rmSync(spool, { recursive: true });
});

it('carries the ids of a page through the work of its request', async () => {
  const client = host();
  const middleware = client.middleware();
  const backend = createServer((request, response) =>
    middleware(request, response, () => {
      void (async () => {
        await new Promise((end) => setTimeout(end, 5));
        await client.track({ eventName: label, properties: { n: 0 } });
        await client.withIds({ userId: 'u7' }, () => client.track({ eventName: label, properties: { n: 1 } }));
        response.end();
      })();
    }),
  );
  await new Promise<void>((done) => backend.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(backend.address() as AddressInfo).port}/`;
  await fetch(url, {
    headers: { 'x-tidemark-anonymous-id': 'device-1', 'x-tidemark-session-id': 's-1', 'accept-language': 'de-AT,de' },
  });
  backend.close();
  await client.close();
  const stored = await readStored(server, label, 2);
  expect(stored.map(({ anonymousId, sessionId, userId }) => [anonymousId, sessionId, userId])).toEqual([
    ['device-1', 's-1', undefined],
    ['device-1', 's-1', 'u7'],
  ]);
  expect(stored[0]!.context).toMatchObject({ locale: 'de-AT', library: { name: '@tidemark/node' } });
});

it('shows what was lost on the way and what the client dropped itself, by the numbers of its events', async () => {
  const project = await Project.create(server, 'lossy');
  const client = createTidemark({
    host: gate.url,
    writeKey: project.key,
    flushOnExit: false,
    flushAt: 1_000,
    maxQueueEvents: 20,
  });
  const track = (n: number): Promise<unknown> => client.track({ eventName: label, userId: 'u1', properties: { n } });
  // Of 204 requests of five events, four are answered and thrown away.
  gate.requests = 0;
  gate.mode = { kind: 'losing', percent: 2 };
  for (let n = 0; n < 1_020; n++) {
    await track(n);
    if (n % 5 === 4) await client.flush();
  }
  await gate.shut();
  for (let n = 0; n < 40; n++) await track(n);
  await gate.reopen();
  gate.mode = { kind: 'open' };
  await client.flush();
  await track(-1);
  expect(await client.close(60_000)).toEqual({ left: 0 });
  project.receivedAt = new Date().toISOString();
  await project.settled();
  const { clientLoss } = await project.api('/api/pipeline');
  expect(clientLoss.sources).toMatchObject([
    { devices: 1, expected: 1_061, arrived: 1_021, reported: 20, refused: 0, lost: 20 },
  ]);
});

const running: ChildProcess[] = [];
afterAll(() => running.forEach((child) => child.kill('SIGKILL')));

async function start(ending: 'stay' | 'end', spool?: string): Promise<ChildProcess> {
  const program = await bundleProgram(new URL('node-host-process.ts', import.meta.url));
  const args = [gate.url, WRITE_KEY, label, '30', ending, ...(spool ? [spool] : [])];
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.push(child);
  return child;
}

const said = (child: ChildProcess, word: string): Promise<void> =>
  new Promise((done) => child.stdout!.on('data', (text) => String(text).includes(word) && done()));
