/**
 * A full disk under the log: 503 at once, the process lives, nothing acknowledged is lost, and intake goes on by itself
 * when there is room again. Long before the last page intake stops, so that the engine can still finish. Needs a small tmpfs, so root on Linux.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-full-'));
const mounted = process.platform === 'linux' && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1100m', 'tmpfs', folder]).status === 0;
if (!mounted) console.warn('SKIPPED: the full-disk test needs to mount a tmpfs, so root on Linux.');

afterAll(() => {
  if (mounted) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true, force: true });
});

it.skipIf(!mounted)('X8: a full disk is answered with 503, loses nothing, and is got over without a restart', async () => {
  // No reserve: to the last page.
  const server = await ServerUnderTest.start({ dataPath: join(folder, 'data'), env: { TIDEMARK_DISK_RESERVE_MB: '0' } });
  try {
    await server.ready();
    let accepted = 0;
    let number = 0;
    const send = async (): Promise<number> => {
      const events = Array.from({ length: 50 }, () => ({ eventId: `e${number++}`, eventName: 'x', userId: 'u', properties: { text: 'y'.repeat(2_000) } }));
      const response = await fetch(`${server.url}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events }) });
      if (response.status === 202) accepted += ((await response.json()) as { accepted: number }).accepted;
      else expect(response.headers.get('retry-after')).not.toBeNull();
      return response.status;
    };
    expect(await send()).toBe(202);
    // All that is left, to the last page.
    const ballast = join(folder, 'ballast');
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M', 'count=2000']);
    let refused = 0;
    for (let round = 0; round < 400 && refused < 5; round++) {
      const status = await send();
      if (status !== 202) expect(status).toBe(503);
      if (status === 503) refused++;
    }
    expect(refused).toBe(5);
    expect(server.output).not.toMatch(/collector process is gone/);
    rmSync(ballast);
    await expect.poll(send).toBe(202);
    for (let round = 0; round < 4; round++) expect(await send()).toBe(202);
    expect(await server.drained()).toMatchObject({ stored: accepted, difference: 0 });
    expect(server.output).not.toMatch(/process is gone/);
  } finally {
    await server.stop();
  }
});

it.skipIf(!mounted)('X8 C10: when the reserve is reached, /readyz says so without traffic, events are refused, and what was taken is stored', async () => {
  const server = await ServerUnderTest.start({ dataPath: join(folder, 'reserved') });
  const post = (eventId: string) =>
    fetch(`${server.url}/api/events`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ eventId, eventName: 'x', userId: 'u' }) });
  const readyz = async () => {
    const response = await fetch(`${server.url}/readyz`);
    const { part, detail } = (await response.json()) as { part?: string; detail?: string };
    return { status: response.status, part, detail };
  };
  const ballast = join(folder, 'ballast');
  try {
    await server.ready();
    expect((await post('before')).status).toBe(202);
    const { bavail, bsize } = statfsSync(folder);
    const leaveMb = 120;
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=1M', `count=${Math.floor((bavail * bsize) / 2 ** 20) - leaveMb}`]);
    await expect.poll(readyz).toMatchObject({ status: 503, part: 'log', detail: expect.stringMatching(/only \d+ MB are free/) as string });
    const refused = await post('refused');
    expect([refused.status, ((await refused.json()) as { code: string }).code, refused.headers.get('retry-after')]).toEqual([503, 'disk_full', '5']);
    expect(await server.drained()).toMatchObject({ stored: 1, difference: 0 });
    rmSync(ballast);
    await expect.poll(readyz).toMatchObject({ status: 200 });
    expect((await post('after')).status).toBe(202);
    expect(server.output).not.toMatch(/process is gone/);
  } finally {
    rmSync(ballast, { force: true });
    await server.stop();
  }
});
