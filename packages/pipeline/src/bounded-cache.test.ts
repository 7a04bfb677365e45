import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BoundedCache, MAX_KEY_LENGTH } from './bounded-cache.ts';

test('gives what was computed, holds no more than it may, and keeps what is asked for all the time', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }).map(String)),
      fc.integer({ min: 2, max: 20 }),
      (keys, maxEntries) => {
        const computed: string[] = [];
        const cache = new BoundedCache(maxEntries, (key) => {
          computed.push(key);
          return `value of ${key}`;
        });
        for (const key of keys) {
          expect(cache.get('favourite')).toBe('value of favourite');
          expect(cache.get(key)).toBe(`value of ${key}`);
          expect(cache.size).toBeLessThanOrEqual(maxEntries + 1);
        }
        if (maxEntries >= 4) expect(computed.filter((key) => key === 'favourite').length).toBeLessThanOrEqual(1);
      },
    ),
  );
});

test('remembers nothing of a text that is longer than any that comes again', () => {
  const cache = new BoundedCache(10, (key) => key.length);
  expect([cache.get('a'.repeat(MAX_KEY_LENGTH + 1)), cache.size]).toEqual([MAX_KEY_LENGTH + 1, 0]);
  expect([cache.get('a'.repeat(MAX_KEY_LENGTH)), cache.size]).toEqual([MAX_KEY_LENGTH, 1]);
});

test('keeps nothing of the large texts that its keys were cut from', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const cache = new BoundedCache(1_000, (key) => key.length);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < 100; index++) {
    const body = Buffer.alloc(1 << 20, `${index} is a body of a megabyte `).toString('latin1');
    cache.get(body.slice(10, 60));
  }
  collectGarbage();
  expect(cache.size).toBeGreaterThan(1);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(10 << 20);
});
