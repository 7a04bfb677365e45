import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage, RequestListener } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { startEngine } from './testing/engine.ts';
import { openRaw } from './testing/sockets.ts';
import { startCollector } from './testing/server.ts';

const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** An engine that answers each connection with these pieces, one after the other has been written, and then does `last`. */
async function startRaw(path: string, pieces: readonly (string | Buffer)[], last: (socket: Socket) => void): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    async function answer(): Promise<void> {
      for (const piece of pieces) {
        await new Promise((written) => socket.write(piece, written));
        await new Promise((next) => setImmediate(next));
      }
      last(socket);
    }
    socket.once('data', () => void answer());
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

it('C16: hands on answers of a length as they are, many at once and again, to readers quick and slow', async () => {
  await using collector = await startCollector();
  const bodies = Array.from({ length: 12 }, (_, i) => randomBytes([1, 100, 65_000, 65_536, 200_000, 3_000_000][i % 6]! + i));
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    const body = bodies[Number(new URL(req.url!, 'http://x').searchParams.get('n'))]!;
    res.writeHead(200, { 'content-length': body.length, 'x-hash': hashOf(body) }).end(body);
  });
  async function ask(n: number, slow: boolean): Promise<boolean> {
    const asked = request({ port: collector.port, path: `/page?n=${n}`, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const hash = createHash('sha256');
    // One turn of the event loop for each 64 KB: what is not read lies in the collector, and must not be written over there.
    for await (const chunk of answer) {
      hash.update(chunk as Buffer);
      if (slow) await new Promise((next) => setImmediate(next));
    }
    return answer.statusCode === 200 && answer.headers['x-hash'] === hash.digest('hex');
  }
  for (let round = 0; round < 4; round++) {
    const whole = await Promise.all(bodies.flatMap((_, n) => [ask(n, true), ask(n, false)]));
    expect(whole).toEqual(whole.map(() => true));
  }
});

it('C16: writes over nothing that a reader who rests has still to get', async () => {
  await using collector = await startCollector();
  const body = randomBytes(32 * 1024 * 1024);
  let sent = (): number => 0;
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    const { socket } = res;
    sent = () => socket!.bytesWritten - socket!.writableLength;
    res.writeHead(200, { 'content-length': body.length }).end(body);
  });
  const asked = request({ port: collector.port, path: '/page', agent: false });
  asked.end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  // Until everything on the way is full: the collector then holds writes that are under way.
  for (let [before, same] = [-1, 0]; same < 5; ) {
    await new Promise((next) => setTimeout(next, 20));
    same = sent() === before ? same + 1 : 0;
    before = sent();
  }
  const hash = createHash('sha256');
  for await (const chunk of answer) hash.update(chunk as Buffer);
  expect(hash.digest('hex')).toBe(hashOf(body));
});

it('C16: does not wait for the body of an answer to HEAD, and passes on what has none', async () => {
  await using collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    if (req.url === '/none') res.writeHead(304, { 'content-length': 5, etag: '"a"' }).end();
    else res.writeHead(200, { 'content-length': 5 }).end(req.method === 'HEAD' ? undefined : 'whole');
  });
  const head = await fetch(`${collector.url}/x`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '5', '']);
  const none = await fetch(`${collector.url}/none`);
  expect([none.status, none.headers.get('etag'), await none.text()]).toEqual([304, '"a"', '']);
  expect(await (await fetch(`${collector.url}/x`)).text()).toBe('whole');
});

it('C16: takes an answer in whatever pieces it comes, and no more than its length', async () => {
  for (const [pieces, expected] of [
    [['HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-A: b\r\n\r\n', 'abc', 'def'], 'abcdef'],
    [['HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX-A: b\r\n\r\nabc', 'defghi'], 'abcdef'],
    [['HTTP/1.1 200 OK\r\nContent-Le', 'ngth: 6\r\nX-A: b\r\n\r', '\nabcdef'], 'abcdef'],
    [['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 6\r\n\r\nabcdef'], 'abcdef'],
    [['HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n', '6\r\nabc', 'def\r\n0\r\n\r\n'], 'abcdef'],
  ] as const) {
    await using collector = await startCollector();
    await using _engine = await startRaw(collector.engineSocketPath, pieces, (socket) => socket.end());
    const answer = await fetch(`${collector.url}/x`);
    expect([answer.status, answer.headers.get('x-a'), await answer.text()], pieces.join('|')).toEqual([200, 'b', expected]);
  }
});

it('C16: an answer of a length that breaks off does not look whole', async () => {
  await using collector = await startCollector();
  await using _engine = await startRaw(collector.engineSocketPath, ['HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n', 'half'], (socket) => socket.destroy());
  const answer = await fetch(`${collector.url}/x`);
  await expect(answer.text()).rejects.toThrow('terminated');
});

it('C16: tells the engine when the reader of an answer of a length leaves', async () => {
  await using collector = await startCollector();
  let left!: () => void;
  const leaving = new Promise<void>((resolve) => (left = resolve));
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => {
    res.once('close', left);
    res.writeHead(200, { 'content-length': 1_000 }).write('some');
  });
  const abort = new AbortController();
  const answer = await fetch(`${collector.url}/x`, { signal: abort.signal });
  await answer.body!.getReader().read();
  abort.abort();
  await leaving;
});

/** Connections that were made to the engine. */
async function startCounting(path: string, listener: RequestListener): Promise<AsyncDisposable & { connections: Set<Socket>; closeIdle(): void }> {
  const engine = await startEngine(path, listener);
  const connections = new Set<Socket>();
  engine.on('connection', (socket: Socket) => connections.add(socket));
  return { connections, closeIdle: () => engine.closeIdleConnections(), [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

it('C16: what is only read goes over one connection, whatever the answers are like; what has a body over one of its own', async () => {
  await using collector = await startCollector();
  await using engine = await startCounting(collector.engineSocketPath, (req, res) => {
    if (req.url === '/chunked') res.write('half ');
    else if (req.url === '/none') res.writeHead(304);
    else res.setHeader('content-length', Buffer.byteLength(req.url!));
    if (req.url !== '/none') res.write(req.url);
    res.end();
  });
  for (const path of ['/a', '/chunked', '/bc', '/none', '/d']) {
    expect(await (await fetch(collector.url + path)).text(), path).toBe({ '/chunked': 'half /chunked', '/none': '' }[path] ?? path);
  }
  expect((await fetch(`${collector.url}/a`, { method: 'HEAD' })).headers.get('content-length')).toBe('2');
  expect(await (await fetch(`${collector.url}/g`)).text()).toBe('/g');
  expect(engine.connections.size).toBe(1);
  for (const path of ['/y', '/z']) expect(await (await fetch(collector.url + path, { method: 'POST', body: 'x' })).text()).toBe(path);
  expect(engine.connections.size).toBe(3);
});

it('C16: a connection that the engine closed, or closes as the next request comes, is not the sender\'s to see', async () => {
  await using collector = await startCollector();
  const asked = new Map<Socket, number>();
  await using engine = await startCounting(collector.engineSocketPath, (req, res) => {
    const nth = (asked.get(req.socket) ?? 0) + 1;
    asked.set(req.socket, nth);
    if (nth === 3) req.socket.destroy();
    else res.end(`${nth}`);
  });
  const ask = async (): Promise<string> => (await fetch(`${collector.url}/x`)).text();
  expect([await ask(), await ask()]).toEqual(['1', '2']);
  // The third on it is answered over another one, which does not stay.
  expect(await ask()).toBe('1');
  expect(await ask()).toBe('1');
  engine.closeIdle();
  expect(await ask()).toBe('1');
});

it('C16: answers 503 when the engine goes away between two requests', async () => {
  await using collector = await startCollector();
  const engine = await startEngine(collector.engineSocketPath, (_, res) => void res.end('here'));
  expect(await (await fetch(`${collector.url}/x`)).text()).toBe('here');
  await engine[Symbol.asyncDispose]();
  expect((await fetch(`${collector.url}/x`)).status).toBe(503);
});

it('C16: nobody gets what an answer has beyond its length, nor what comes unasked', async () => {
  await using collector = await startCollector();
  const stray = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray';
  const right = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright';
  for (const pieces of [[right + stray], [right, stray], [`${right}x`]]) {
    await using _engine = await startRaw(collector.engineSocketPath, pieces, () => {});
    for (let n = 0; n < 3; n++) expect(await (await fetch(`${collector.url}/x`)).text(), JSON.stringify(pieces)).toBe('right');
  }
});

it('C16: a connection that stays does not keep an engine from stopping that closes what is idle', async () => {
  await using collector = await startCollector();
  await using engine = await startEngine(collector.engineSocketPath, (_, res) => void res.end('here'));
  engine.keepAliveTimeout = 72_000;
  expect(await (await fetch(`${collector.url}/x`)).text()).toBe('here');
  const closed = new Promise((done) => engine.close(done));
  engine.closeIdleConnections();
  await closed;
  expect((await fetch(`${collector.url}/x`)).status).toBe(503);
});

it('C16: a body that Connection takes the length of is still a body', async () => {
  await using collector = await startCollector();
  const urls: string[] = [];
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    urls.push(req.url!);
    req.resume().once('end', () => res.end('done'));
  });
  const inner = 'GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.9\r\n\r\n';
  for (const method of ['GET', 'DELETE', 'POST']) {
    const raw = openRaw(Number(new URL(collector.url).port));
    raw.write(`${method} /a HTTP/1.1\r\nHost: x\r\nConnection: content-length\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`);
    await raw.until(/200 OK[^]*done/);
    raw.socket.destroy();
  }
  expect(urls).toEqual(['/a', '/a', '/a']);
});

it('C16: an answer whose reader is slow keeps its bytes while the connection serves others', async () => {
  await using collector = await startCollector();
  const bytes = 100_000;
  let release: (() => void) | undefined;
  let isPageAnswered = false;
  await using _engine = await startEngine(collector.engineSocketPath, (req, res) => {
    if (req.url === '/wait') return void (release = () => res.end('waited'));
    isPageAnswered ||= req.url === '/page';
    res.setHeader('content-length', bytes);
    res.end((req.url === '/page' ? 'A' : 'B').repeat(bytes));
  });
  const raw = openRaw(Number(new URL(collector.url).port));
  raw.write('GET /wait HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.1\r\nHost: x\r\n\r\n');
  await expect.poll(() => isPageAnswered && release !== undefined).toBe(true);
  for (let n = 0; n < 40; n++) await (await fetch(`${collector.url}/other`)).text();
  release!();
  expect(await raw.until(/[AB]{100000}/)).not.toContain('B');
  raw.socket.destroy();
});
