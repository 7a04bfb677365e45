import fc from 'fast-check';
import { expect, it } from 'vitest';
import { bisect } from './bisect.ts';

const bad = fc.record({ size: fc.integer({ min: 0, max: 400 }), seeds: fc.array(fc.nat(399), { maxLength: 12 }) })
  .map(({ size, seeds }) => ({ size, bad: new Set(seeds.filter((index) => index < size)) }));

function trialOf(refused: ReadonlySet<number>) {
  const trials = { count: 0 };
  const trial = async (from: number, to: number) => {
    trials.count++;
    for (let index = from; index < to; index++) if (refused.has(index)) return `bad ${index}`;
    return undefined;
  };
  return { trials, trial };
}

it('names exactly the refused items, each with its own reason, in about 2 log2 n trials each', async () => {
  await fc.assert(fc.asyncProperty(bad, async ({ size, bad: refused }) => {
    const { trials, trial } = trialOf(refused);
    const found = await bisect(size, trial, Infinity);
    expect([...found].toSorted(([a], [b]) => a - b)).toEqual([...refused].toSorted((a, b) => a - b).map((index) => [index, `bad ${index}`]));
    expect(trials.count).toBeLessThanOrEqual(1 + refused.size * 2 * Math.ceil(Math.log2(Math.max(2, size))));
  }));
});

it('ends after its bound, and then still names every refused item', async () => {
  await fc.assert(fc.asyncProperty(bad, fc.integer({ min: 1, max: 60 }), async ({ size, bad: refused }, maxTrials) => {
    const { trials, trial } = trialOf(refused);
    const found = await bisect(size, trial, maxTrials);
    expect([...refused].filter((index) => !found.has(index))).toEqual([]);
    expect(trials.count).toBeLessThanOrEqual(maxTrials + 2);
  }));
});

it('names none when only items together are refused', async () => {
  expect(await bisect(64, async (from, to) => (to - from > 32 ? 'too much at once' : undefined), 100)).toEqual(new Map());
});
