import { expect, it } from 'vitest';
import { latencyOf } from '../../bench/generate/latency.ts';
import { slope } from '../../bench/resources/memory.ts';
import { parseIdle, parseStat, parseStatusBytes } from '../../bench/resources/proc.ts';
import { linear, logarithmic } from '../../bench/chart/scale.ts';
import { spread } from '../../bench/report/measure.ts';

it('reads a thread whose name holds brackets and spaces', () => {
  const text = '4711 (a) b (c) S 1 2 3 0 -1 4194304 100 0 0 0 250 31 0 0 20 0 1 0 5 6 7 8';
  expect(parseStat(text)).toEqual({ name: 'a) b (c', user: 250, system: 31 });
});

it('reads anonymous memory and idleness', () => {
  expect(parseStatusBytes('VmRSS:\t  900 kB\nRssAnon:\t   512 kB\nRssFile:\t 388 kB\n', 'RssAnon')).toBe(512 * 1024);
  expect(parseStatusBytes('', 'RssAnon')).toBe(0);
  expect(parseIdle('cpu  100 5 50 800 45 0 0 0 7 7\ncpu0 1 1 1 1\n')).toEqual({ idle: 845, total: 1000 });
});

it('takes quantiles by nearest rank and the lower middle of an even number', () => {
  expect(latencyOf(Array.from({ length: 100 }, (_, index) => 100 - index))).toEqual({ p50Ms: 50, p90Ms: 90, p99Ms: 99, maxMs: 100 });
  expect(latencyOf([])).toEqual({ p50Ms: 0, p90Ms: 0, p99Ms: 0, maxMs: 0 });
  expect(spread([4, 1, 3, 2])).toEqual({ min: 1, median: 2, max: 4, rounds: 4 });
  expect(slope([10, 12, 14, 16])).toBe(2);
});

it('puts marks of an axis at round numbers that reach over the largest value', () => {
  expect(linear(41_000, 0, 100).ticks).toEqual([0, 10_000, 20_000, 30_000, 40_000, 50_000]);
  expect(logarithmic(2.2, 730, 0, 300).ticks).toEqual([1, 10, 100, 1000]);
  expect(logarithmic(2.2, 730, 0, 300).place(10)).toBeCloseTo(100);
});
