import { expect, it } from 'vitest';
import { frames, readAll, runLogContract } from './contract.ts';
import { LogUnavailable } from './log.ts';
import { MemoryLog } from './memory.ts';

runLogContract({
  name: 'memory',
  open: async () => {
    const log = new MemoryLog();
    return { writer: log, reader: log, close: () => log.close() };
  },
});

it('stands still and goes on', async () => {
  const log = new MemoryLog();
  log.stall();
  let done = false;
  const append = log.append([frames('events', ['a'])], [], log.stamp()).then(() => (done = true));
  await new Promise((next) => setTimeout(next, 20));
  expect(done).toBe(false);
  expect(log.pendingBytes).toBeGreaterThan(0);
  expect(readAll(log, 'events')).toEqual([]);
  log.resume();
  await append;
  expect(readAll(log, 'events')).toEqual([[0, 'a']]);
  expect(log.pendingBytes).toBe(0);
});

it('fails whole groups, keeps nothing of them, and recovers', async () => {
  const log = new MemoryLog();
  log.failing = 'ENOSPC';
  const receipt = { project: 'p', source: 's', minuteMs: 0, received: 1 };
  await expect(log.append([frames('events', ['a'])], [receipt], log.stamp())).rejects.toThrow(LogUnavailable);
  log.failing = undefined;
  await log.append([frames('events', ['b'])], [receipt], log.stamp());
  expect(readAll(log, 'events')).toEqual([[0, 'b']]);
  expect(log.snapshot(0).received).toEqual([{ project: 'p', source: 's', received: 1 }]);
});
