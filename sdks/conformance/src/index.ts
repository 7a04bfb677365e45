import { readFileSync, readdirSync } from 'node:fs';
import type { CaseKind, ConformanceCase } from './case.ts';

export type { Call, CaseKind, CollectorAnswer, ConformanceCase, Expectation, Step } from './case.ts';
export { CaseCollector } from './collector.ts';
export { runCase } from './run.ts';
export type { Subject } from './run.ts';

/** Those for SDKs of a kind, from cases/*.json. */
export function casesFor(kind: CaseKind): ConformanceCase[] {
  const folder = new URL('../cases/', import.meta.url);
  const all = readdirSync(folder).flatMap(
    (name) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as ConformanceCase[],
  );
  return all.filter(({ kinds }) => !kinds || kinds.includes(kind));
}
