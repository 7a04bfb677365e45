/** The process that waits for the next SQL query: it serves one query, is never used again, and is in nobody's way. */
import { expect, it } from 'vitest';
import { ServerUnderTest } from '../server-under-test.ts';
import { Project, type Json } from './project.ts';
import { waitingBytes, waitingProcess } from './waiting-process.ts';

async function started(env: Record<string, string> = {}): Promise<{ server: ServerUnderTest; shop: Project; count: (of?: Project) => Promise<number> }> {
  const server = await ServerUnderTest.start({ env });
  const shop = await Project.first(server);
  await shop.send([{ eventId: '1', eventName: 'view', userId: 'ann' }]);
  await shop.settled();
  const count = async (of = shop): Promise<number> => (await of.api('/api/analytics/sql', { query: 'SELECT count(DISTINCT person_id) FROM events', waitFor: of.receivedAt }) as Json)['rows'][0][0];
  return { server, shop, count };
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

it('serves one query of any project, with what is stored by then, and is followed by another', async () => {
  const { server, shop, count } = await started();
  // Nobody has asked yet.
  expect(server.processes('sql-process')).toEqual([]);
  expect(await count()).toBe(1);
  const first = await waitingProcess(server);
  const other = await Project.create(server, 'other');
  await other.send(['bob', 'eve'].map((userId) => ({ eventId: userId, eventName: 'view', userId })));
  await other.settled();
  expect(await count(other)).toBe(2);
  await expect.poll(() => isAlive(first)).toBe(false);
  const second = await waitingProcess(server);
  await shop.send([{ eventId: '2', eventName: 'view', userId: 'joe' }]);
  await shop.settled();
  expect(await Promise.all([count(), count(other)])).toEqual([2, 2]);
  await expect.poll(() => isAlive(second)).toBe(false);
  expect(await waitingBytes(server).then(() => waitingProcess(server))).not.toBe(second);
  await server.stop();
});

it('killed by somebody else, the query is answered all the same', async () => {
  const { server, shop, count } = await started();
  await count();
  for (let round = 0; round < 3; round++) {
    const pid = await waitingProcess(server);
    process.kill(pid, 'SIGKILL');
    // The engine may know of it, or not.
    if (round === 1) await expect.poll(() => waitingBytes(server)).toBe(0);
    expect(await count()).toBe(1);
  }
  const pid = await waitingProcess(server);
  process.kill(pid, 'SIGSTOP');
  const asked = shop.request('/api/analytics/sql', { body: { query: 'SELECT 1', queryId: 'held' } });
  await expect.poll(() => waitingBytes(server)).toBe(0);
  expect((await shop.request('/api/analytics/sql/held', { method: 'DELETE' })).status).toBe(200);
  expect((await asked).status).toBe(409);
  await expect.poll(() => isAlive(pid)).toBe(false);
  await server.stop();
});

it('is gone when nobody has asked for a while, with the engine, and with the server', async () => {
  const { server, count } = await started({ TIDEMARK_SQL_KEEP_SECONDS: '10' });
  await count();
  const idle = await waitingProcess(server);
  await expect.poll(() => isAlive(idle), { timeout: 30_000 }).toBe(false);
  expect(await waitingBytes(server)).toBe(0);
  await count();
  const orphan = await waitingProcess(server);
  server.kill('engine');
  await expect.poll(() => isAlive(orphan), { timeout: 30_000 }).toBe(false);
  await server.ready();
  await count();
  const last = await waitingProcess(server);
  await server.stop();
  await expect.poll(() => isAlive(last)).toBe(false);
});

it('there is none where the operator wants none', async () => {
  const { server, count } = await started({ TIDEMARK_SQL_KEEP_SECONDS: '0' });
  expect([await count(), await count()]).toEqual([1, 1]);
  await expect.poll(() => server.processes('sql-process')).toEqual([]);
  expect(await waitingBytes(server)).toBe(0);
  await server.stop();
});
