/**
 * Results on disk: one file a day and commit, into which each run puts its measures. `bench/results/local` is this
 * machine's own; what stands in `bench/results` itself is published with the project.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { machine, type Machine } from './machine.ts';
import type { MeasuredResult } from './measure.ts';

export interface Results {
  date: string;
  commit: string;
  machine: Machine;
  /** By id, in the order of the list of measures. */
  measures: MeasuredResult[];
}

/** Puts `measures` into the file of today and `commit`, in the place of earlier ones with the same id; its path. */
export function record(folder: string, commit: string, measures: readonly MeasuredResult[], now = new Date()): string {
  mkdirSync(folder, { recursive: true });
  const date = now.toISOString().slice(0, 10);
  const path = join(folder, `${date}-${commit.replace('+', '-changed')}.json`);
  const before = existsSync(path) ? readResults(path).measures : [];
  const kept = before.filter(({ id }) => !measures.some((measure) => measure.id === id));
  write(path, { date, commit, machine: machine(), measures: [...kept, ...measures].toSorted(byId) });
  return path;
}

export function readResults(path: string): Results {
  return JSON.parse(readFileSync(path, 'utf8')) as Results;
}

/**
 * The newest result of each measure in `folder`. Those of another commit or machine than the newest file say so, and each has
 * its day. undefined when there is none.
 */
export function newestOfEach(folder: string): Results | undefined {
  const newest = newestResults(folder);
  if (newest === undefined) return undefined;
  const results = readResults(newest);
  const ofEach = new Map<string, MeasuredResult>();
  for (const { machine: of, commit, measures } of filesIn(folder).map(readResults)) {
    const isElsewhere = JSON.stringify(of) !== JSON.stringify(results.machine);
    for (const measure of measures) {
      const told = { ...(commit !== results.commit && { commit }), ...(isElsewhere && { machine: of }), ...measure };
      if (measure.at > (ofEach.get(measure.id)?.at ?? '')) ofEach.set(measure.id, told);
    }
  }
  return { ...results, measures: [...ofEach.values()].toSorted(byId) };
}

/** Day and commit of a measure of `results`. */
export function dayAndCommit({ at, commit }: MeasuredResult, results: Results): string {
  return `${at.slice(0, 10)}, commit ${commit ?? results.commit}`;
}

/** The same, and its machine where that was another. */
export function measuredAt(measure: MeasuredResult, results: Results): string {
  return `${dayAndCommit(measure, results)}${measure.machine === undefined ? '' : `, on ${measure.machine.cpu}`}`;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith('.json')).map((name) => join(folder, name));
}

export function write(path: string, results: Results): void {
  writeFileSync(path, `${JSON.stringify(results, rounded, 2)}\n`);
}

/** The file in `folder` whose last measure is the latest; undefined when there is none. */
export function newestResults(folder: string): string | undefined {
  if (!existsSync(folder)) return undefined;
  const lastAt = (path: string): string => readResults(path).measures.reduce((last, { at }) => (at > last ? at : last), '');
  return filesIn(folder).map((path) => [lastAt(path), path] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)).at(-1)?.[1];
}

function byId(a: { id: string }, b: { id: string }): number {
  return a.id.localeCompare(b.id, 'en', { numeric: true });
}

/** Five digits: more would look like more than was measured. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
}
