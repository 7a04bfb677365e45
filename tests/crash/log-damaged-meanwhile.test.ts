/**
 * A record of the log is damaged while the server runs, and the engine starts again alone: the collector looked at the log when it was
 * started, which says nothing of now. The engine has to look itself, and not hand on what fails its checksum.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';

const MARK = 'a-value-that-stands-nowhere-else';

it('an engine that starts again alone finds what was damaged since, and goes on once it is put right', async () => {
  const server = await ServerUnderTest.start();
  try {
    await send(server, { eventId: 'whole', eventName: 'seen', anonymousId: 'a' });
    await server.drained();
    expect(server.signal('engine', 'SIGSTOP')).toBe(true);
    await send(server, { eventId: 'damaged', eventName: 'seen', anonymousId: 'a', properties: { mark: MARK } });
    const log = join(server.dataPath, 'log', 'data.mdb');
    const at = readFileSync(log).indexOf(MARK);
    expect(at, 'the record lies in the log').toBeGreaterThan(0);
    flip(log, at);
    expect(server.kill('engine')).toBe(true);
    await expect.poll(() => server.output, { timeout: 30_000 }).toMatch(/engine process is gone: The log .* is damaged: table events-0: the batch at offset 1, of 1 records, fails its checksum\..*[^.]\. Starting it again in/);
    flip(log, at);
    await server.ready();
    expect(await server.drained()).toMatchObject({ received: 2, stored: 2, difference: 0 });
  } finally {
    await server.stop();
  }
}, 120_000);

async function send(server: ServerUnderTest, event: object): Promise<void> {
  const response = await fetch(`${server.url}/api/events`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify(event) });
  expect(response.status).toBe(202);
}

function flip(path: string, at: number): void {
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, at);
  byte[0]! ^= 4;
  writeSync(file, byte, 0, 1, at);
  closeSync(file);
}
