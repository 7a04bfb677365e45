import { MemoryLog } from '@tidemark/log';
import { expect, it } from 'vitest';
import { openRaw } from './testing/sockets.ts';
import { event, KEY, startCollector } from './testing/server.ts';

const large = () => event({ properties: { text: 'x'.repeat(20_000) } });

async function waitFor(condition: () => boolean | Promise<boolean>): Promise<void> {
  await expect.poll(condition, { interval: 10 }).toBe(true);
}

it('C10: refuses at once when the log stands still, keeps what it took, and recovers by itself', async () => {
  await using collector = await startCollector({ bounds: { maxPendingLogBytes: 100_000 } });
  collector.log.stall();
  const waiting = [];
  while (collector.log.pendingBytes <= 100_000) {
    waiting.push(collector.post('/api/events', large()));
    const before = collector.log.pendingBytes;
    await waitFor(() => collector.log.pendingBytes > before);
  }
  // Answered while the log still stands.
  const refused = await collector.post('/api/events', event());
  expect([refused.status, refused.body['code'], refused.headers.get('retry-after')]).toEqual([503, 'log_busy', '1']);
  const ready = await fetch(`${collector.url}/readyz`);
  expect([ready.status, ((await ready.json()) as { part: string }).part]).toEqual([503, 'log']);
  collector.log.resume();
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(202);
  expect((await collector.post('/api/events', event())).status).toBe(202);
  expect(collector.events()).toHaveLength(waiting.length + 1);
  expect(collector.difference()).toBe(0);
});

it('C10: answers 503 when the log fails, stores nothing then, and takes events again as soon as it can', async () => {
  await using collector = await startCollector();
  collector.log.failing = 'ENOSPC';
  for (let i = 0; i < 3; i++) {
    const { status, headers, body } = await collector.post('/api/events/batch', { events: [event(), 3] });
    expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'log_unavailable', '1']);
  }
  expect(await collector.post('/api/events', 'no json')).toMatchObject({ status: 503 });
  expect((await fetch(`${collector.url}/readyz`)).status).toBe(503);
  collector.log.failing = undefined;
  expect((await collector.post('/api/events', event())).status).toBe(202);
  expect(collector.events()).toHaveLength(1);
  expect(collector.quarantined()).toEqual([]);
  expect(collector.difference()).toBe(0);
  // A full disk fails every request; the log of the process says so once.
  expect(collector.logged).toEqual([
    expect.stringMatching(/^error the log takes no events/),
    expect.stringMatching(/^info .*again/),
  ]);
});

it('C10: shares one bound of memory among all bodies on their way in, and gets it back from those who leave', async () => {
  await using collector = await startCollector({ bounds: { maxBufferedBodyBytes: 1_000_000 } });
  const head = `POST /api/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\nContent-Length: 600000\r\n\r\n`;
  const held = openRaw(collector.port);
  held.write(head + ' '.repeat(500_000));
  const inflight = async () =>
    Number(
      /tidemark_ingest_inflight_bytes\{[^}]*\} (\d+)/.exec(await (await fetch(`${collector.url}/metrics`)).text())?.[1],
    );
  await waitFor(async () => (await inflight()) === 500_000);
  const second = openRaw(collector.port);
  second.write(head + ' '.repeat(600_000));
  expect(await second.until(/\r\n\r\n.+/s)).toMatch(/^HTTP\/1\.1 503[^]*log_busy/);
  expect((await collector.post('/api/events', event())).status).toBe(202);
  held.socket.destroy();
  await waitFor(async () => (await inflight()) === 0);
  second.socket.destroy();
  expect((await collector.post('/api/events', ' '.repeat(600_000) + JSON.stringify(event()))).status).toBe(202);
});

it('C1: never lets receivedAt of a later answer lie at or before a commit already under way', async () => {
  // The clock stands still; the log must still keep groups apart.
  await using collector = await startCollector({ log: new MemoryLog({ nowMs: () => 5_000_000 }) });
  for (let i = 0; i < 5; i++)
    await Promise.all([collector.post('/api/events', event()), collector.post('/api/events', event())]);
  const batches = collector.log.read('events', 0, 0, { maxRecords: 1e6, maxBytes: 1e9 });
  const stamps = batches.map(({ receivedAtMs }) => receivedAtMs);
  for (let i = 1; i < stamps.length; i++) expect(stamps[i]!).toBeGreaterThan(stamps[i - 1]!);
});
