/** The chart of growth: each kind has a line of its own, and what was refused has no point. */
import { expect, it } from 'vitest';
import { growthChart } from '../../bench/chart/growth-chart.ts';
import { ALL_KINDS, chosenKinds, KINDS_OF_TABLES } from '../../bench/questions/typical/kinds.ts';

const ofEach = (ms: number): Record<string, number> => Object.fromEntries(ALL_KINDS.map((kind, i) => [kind, ms * (i + 1)]));
const [small, large] = [{ events: 1_000_000, oursMs: ofEach(10), handMs: {} }, { events: 50_000_000, oursMs: ofEach(300), handMs: {} }];

it('draws every kind in a colour of its own, sql among them', () => {
  const svg = growthChart({ points: [small, large], subtitle: 'here' });
  const lines = [...svg.matchAll(/<path d="[^"]+" class="line (kind\d+)"/g)].map(([, name]) => name!);
  expect(new Set(lines).size).toBe(ALL_KINDS.length);
  for (const name of lines) expect(svg).toContain(`path.${name} { stroke: #`);
  expect(svg).toContain('>sql</text>');
  expect(svg).toContain('sql 3000 ms');
});

it('has no point where a question was refused', () => {
  const { sql: _, ...answered } = large.oursMs;
  const points = (svg: string): number => [...svg.matchAll(/<(circle|rect)[^>]* class="dot kind/g)].length - ALL_KINDS.length;
  expect(points(growthChart({ points: [small, large], subtitle: '' }))).toBe(2 * ALL_KINDS.length);
  expect(points(growthChart({ points: [small, { ...large, oursMs: answered }], subtitle: '' }))).toBe(2 * ALL_KINDS.length - 1);
});

it('asks sql only where the store has a lake, and names kinds that there are not', () => {
  expect(ALL_KINDS).toContain('sql');
  expect(KINDS_OF_TABLES).toEqual(ALL_KINDS.filter((kind) => kind !== 'sql'));
  process.env['TIDEMARK_BENCH_KINDS'] = 'sql,trend';
  try {
    expect(chosenKinds(ALL_KINDS)).toEqual(['trend', 'sql']);
    expect(() => chosenKinds(KINDS_OF_TABLES)).toThrow("TIDEMARK_BENCH_KINDS has 'sql'");
  } finally {
    delete process.env['TIDEMARK_BENCH_KINDS'];
  }
});
