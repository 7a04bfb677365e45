/** What the benchmarks make of questions under full ingest: how it is told, and that both sides were asked alike. */
import { expect, it } from 'vitest';
import { figureOf, kindsUnderIngest } from '../../bench/measures/r8-kinds.ts';

it('holds the slowest of a round under load against the slowest at rest, and tells the median round', () => {
  const idle = [{ trend: [100, 120], sql: [10, 20] }, { trend: [90, 100], sql: [20, 10] }, { trend: [100, 80], sql: [20, 20] }];
  const loaded = [{ trend: [360, 200], sql: [100, 200] }, { trend: [150, 200], sql: [50, 60] }, { trend: [250, 240], sql: [80, 40] }];
  expect(kindsUnderIngest(idle, loaded)).toEqual({
    trend: { times: 6, idleP50Ms: 100, idleMaxMs: 120, loadedP50Ms: 200, loadedMaxMs: 360, ratio: { min: 2, median: 2.5, max: 3, rounds: 3 } },
    sql: { times: 6, idleP50Ms: 20, idleMaxMs: 20, loadedP50Ms: 60, loadedMaxMs: 200, ratio: { min: 3, median: 4, max: 10, rounds: 3 } },
  });
});

it('compares no window with one that asked more or less often', () => {
  expect(() => kindsUnderIngest([{ trend: [1, 2] }], [{ trend: [1] }])).toThrow('trend was not asked as often');
  expect(() => kindsUnderIngest([{ trend: [1, 2] }], [{}])).toThrow('trend was not asked as often');
});

it('calls a figure a p99 only where there were enough for one', () => {
  expect(figureOf(2)).toBe('the slowest of 2');
  expect(figureOf(99)).toBe('the slowest of 99');
  expect(figureOf(100)).toBe('the p99 of 100');
});
