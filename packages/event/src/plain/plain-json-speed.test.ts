/** A file of its own: V8 must not have met a broken body before. */
import { expect, test } from 'vitest';
import { readPlainEvent } from './plain-event.ts';

const body = Buffer.from(JSON.stringify({ list: Array.from({ length: 500 }, (_, index) => ({ name: `number ${index}`, text: 'some words of an event' })) }));

function leastMs(): number {
  return Math.min(
    ...Array.from({ length: 400 }, () => {
      const startedAtMs = performance.now();
      readPlainEvent(body);
      return performance.now() - startedAtMs;
    }),
  );
}

test('bodies that break off do not make later ones dearer', async () => {
  const beforeMs = leastMs();
  for (let length = 1; length < 300; length++) readPlainEvent(body.subarray(0, length));
  // Three times and more, and for good, when places beyond the memory were asked for; a busy machine is slow for a while.
  await expect.poll(leastMs).toBeLessThan(2 * beforeMs);
});
