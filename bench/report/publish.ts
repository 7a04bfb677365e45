/**
 * `npm run bench -- publish [FILE]`: puts a file of results, or the newest result of each measure, into bench/results, and
 * what follows from it into the documents. Committing that is left to whoever has looked at it.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadChart } from '../chart/load-chart.ts';
import type { OfferedLoad } from '../measures/overload.ts';
import { newestOfEach, readResults, write, type Results } from './results.ts';
import { fillIn, performanceTables } from './tables.ts';

export const DOCUMENT = 'docs/performance.md';
export const CHART = 'docs/performance/load.svg';

/** @returns the paths that were written, below `root` */
export function publish(root: string, file?: string): string[] {
  const results = file === undefined ? newestOfEach(join(root, 'bench/results/local')) : readResults(file);
  if (results === undefined) throw new Error('there are no results yet: run `npm run bench` first');
  const target = join('bench/results', `${results.date}-${results.commit}.json`);
  const document = join(root, DOCUMENT);
  const text = fillIn(readFileSync(document, 'utf8'), performanceTables(results));
  const chart = chartOf(results);
  write(join(root, target), results);
  writeFileSync(document, text);
  if (chart === undefined) return [target, DOCUMENT];
  mkdirSync(join(root, 'docs/performance'), { recursive: true });
  writeFileSync(join(root, CHART), chart);
  return [target, DOCUMENT, CHART];
}

/** The chart of offered load, if the results have its points. */
export function chartOf(results: Results): string | undefined {
  const curve = results.measures.find(({ id }) => id === 'curve');
  if (curve === undefined) return undefined;
  const { points, sustainedEventsPerSecond, secondsAPoint } = curve.details as { points: OfferedLoad[]; sustainedEventsPerSecond: number; secondsAPoint: number };
  const { machine, date, commit } = results;
  const subtitle = `${machine.cpu}, ${machine.cores} cores with the generator on them, Node ${machine.node}; ${secondsAPoint} s a point; ${date}, commit ${commit}`;
  return loadChart({ points, sustainedEventsPerSecond, subtitle });
}
