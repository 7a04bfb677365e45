/**
 * `npm run bench -- publish [FILE]`: puts a file of results, or the newest result of each measure, into bench/results, and
 * what follows from it into the documents. Committing that is left to whoever has looked at it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { growthChart } from '../chart/growth-chart.ts';
import { loadChart } from '../chart/load-chart.ts';
import type { GrowthPoint } from '../measures/growth.ts';
import type { OfferedLoad } from '../measures/overload.ts';
import { dayAndCommit, newestOfEach, readResults, write, type Results } from './results.ts';
import { fillIn, performanceTables } from './tables.ts';

export const DOCUMENT = 'docs/performance.md';
export const CHART = 'docs/performance/load.svg';
export const GROWTH_CHART = 'docs/performance/growth.svg';

/** @returns the paths that were written, below `root` */
export function publish(root: string, file?: string): string[] {
  const results = file === undefined ? newestOfEach(join(root, 'bench/results/local')) : readResults(file);
  if (results === undefined) throw new Error('there are no results yet: run `npm run bench` first');
  const target = join('bench/results', `${results.date}-${results.commit}.json`);
  const document = join(root, DOCUMENT);
  const text = fillIn(readFileSync(document, 'utf8'), performanceTables(results));
  write(join(root, target), results);
  writeFileSync(document, text);
  const charts = Object.entries(chartsOf(results));
  mkdirSync(join(root, 'docs/performance'), { recursive: true });
  for (const [path, chart] of charts) writeFileSync(join(root, path), chart);
  return [target, DOCUMENT, ...charts.map(([path]) => path)];
}

/** The charts for which the results have points, by path. */
export function chartsOf(results: Results): Record<string, string> {
  const [load, growth] = [chartOf(results), growthChartOf(results)];
  return { ...(load !== undefined && { [CHART]: load }), ...(growth !== undefined && { [GROWTH_CHART]: growth }) };
}

/** The chart of offered load, if the results have its points. */
function chartOf(results: Results): string | undefined {
  const curve = results.measures.find(({ id }) => id === 'curve');
  if (curve === undefined) return undefined;
  const { points, sustainedEventsPerSecond, secondsAPoint } = curve.details as { points: OfferedLoad[]; sustainedEventsPerSecond: number; secondsAPoint: number };
  const { machine = results.machine } = curve;
  const subtitle = `${machine.cpu}, ${machine.cores} cores with the generator on them, Node ${machine.node}; ${secondsAPoint} s a point; ${dayAndCommit(curve, results)}`;
  return loadChart({ points, sustainedEventsPerSecond, subtitle });
}

function growthChartOf(results: Results): string | undefined {
  const growth = results.measures.find(({ id }) => id === 'growth');
  if (growth === undefined) return undefined;
  const { machine = results.machine } = growth;
  const { points } = growth.details as { points: GrowthPoint[] };
  return growthChart({ points, subtitle: `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; through the API; ${dayAndCommit(growth, results)}` });
}
