import { expect, it } from 'vitest';
import { startEngine } from './testing/engine.ts';
import { openRaw } from './testing/sockets.ts';
import { startCollector } from './testing/server.ts';

const head = (path: string, bytes: number): string => `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer nobody\r\nContent-Length: ${bytes}\r\n\r\n`;

it.concurrent.each(['/api/events', '/api/analytics/trend'])('%s: a refused sender who goes on is read for a while and asks again on the same connection', async (path) => {
  await using collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => void res.writeHead(401, { 'content-length': 2 }).end('no'));
  const raw = openRaw(collector.port);
  raw.write(`${head(path, 100_001)}{`);
  await raw.until(/ 401 /);
  for (let sent = 0; sent < 2; sent++) {
    // Together they are longer than any one pause may be.
    await new Promise((next) => setTimeout(next, 1_100));
    raw.write('x'.repeat(50_000));
  }
  raw.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n');
  await raw.until(/ 200 [^]*live/);
  raw.socket.destroy();
});

it.concurrent.each(['/api/events', '/api/analytics/trend'])('%s: a refused sender who stands still, or sends without end, is cut', async (path) => {
  await using collector = await startCollector();
  await using _engine = await startEngine(collector.engineSocketPath, (_, res) => void res.writeHead(401, { 'content-length': 2 }).end('no'));
  const silent = openRaw(collector.port);
  silent.write(`${head(path, 1_000_000)}{`);
  expect(await silent.closed()).toMatch(/^HTTP\/1\.1 4(01|13) /);
  const endless = openRaw(collector.port);
  endless.write(`${head(path, 1e12)}{`);
  await endless.until(/ 4(01|13) /);
  const chunk = Buffer.alloc(1 << 20, 0x20);
  let written = 0;
  while (!endless.socket.destroyed && written < 200) {
    await new Promise<void>((next) => endless.socket.write(chunk, () => next()));
    written++;
  }
  expect(endless.socket.destroyed, `${written} MB`).toBe(true);
  expect((await fetch(`${collector.url}/livez`)).status).toBe(200);
});
