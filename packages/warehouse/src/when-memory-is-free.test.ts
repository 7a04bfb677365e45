import { WarehouseError } from './warehouse.ts';
import { expect, test } from 'vitest';
import { whenMemoryIsFree } from './when-memory-is-free.ts';

/** As chDB 26.7 words them. */
const ENGINE_FULL = new WarehouseError('Code: 241. DB::Exception: (total) memory limit exceeded: would use 1.53 GiB', 241);
const TOO_MUCH = new WarehouseError('Code: 241. DB::Exception: Query memory limit exceeded: would use 96.00 MiB', 241);

function failing(times: number, error: Error): { read: () => Promise<string>; asked: () => number } {
  let asked = 0;
  return {
    read: async () => {
      if (asked++ < times) throw error;
      return 'read';
    },
    asked: () => asked,
  };
}

test('asks again while the engine is full, and not for ever; other errors are told at once', async () => {
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  const soon = failing(2, ENGINE_FULL);
  expect(await whenMemoryIsFree(soon.read, pause)).toBe('read');
  expect(pauses).toEqual([200, 400]);
  const never = failing(Infinity, ENGINE_FULL);
  await expect(whenMemoryIsFree(never.read, pause)).rejects.toBe(ENGINE_FULL);
  expect(never.asked()).toBe(4);
  const own = failing(1, TOO_MUCH);
  await expect(whenMemoryIsFree(own.read, pause)).rejects.toBe(TOO_MUCH);
  expect(own.asked()).toBe(1);
});

test('what worked for long before it was refused is not asked again', async () => {
  const long = failing(Infinity, ENGINE_FULL);
  const read = (): Promise<string> => new Promise((resolve) => setTimeout(resolve, 2_100)).then(long.read);
  await expect(whenMemoryIsFree(read, async () => {})).rejects.toBe(ENGINE_FULL);
  expect(long.asked()).toBe(1);
});
