import { expect, it } from 'vitest';
import { freeMemory } from './free-memory.ts';

it('gives back the memory of a large buffer at once, and leaves alone what buffers share', () => {
  const before = process.memoryUsage().arrayBuffers;
  const large = Buffer.alloc(50_000_000);
  const slice = large.subarray(10, 20);
  freeMemory(slice);
  expect([large.length, slice.length]).toEqual([0, 0]);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25_000_000);
  freeMemory(large);
  const shared = Buffer.from('of the pool');
  freeMemory(shared);
  expect(shared.toString()).toBe('of the pool');
});
