import { BUCKET_MS } from '@tidemark/warehouse';
import type { TimeRange } from '../range.ts';
import { coverageOf, type Coverage } from './coverage.ts';

/** What one question takes from rollups. */
export class RollupUse {
  readonly #project: string;
  readonly #query: <Row>(sql: string) => Promise<Row[]>;
  readonly #looked = new Map<string, Promise<Coverage | undefined>>();
  readonly #used = new Set<Coverage>();

  constructor(project: string, query: <Row>(sql: string) => Promise<Row[]>) {
    this.#project = project;
    this.#query = query;
  }

  /** The part of a range, with the borders of its points, that is to be taken from rollups by a property; the same each time it is asked for. */
  async take(property: string, range: TimeRange, starts: readonly number[]): Promise<Coverage | undefined> {
    const key = `${range.fromMs} ${range.toMs} ${property}`;
    let looked = this.#looked.get(key);
    if (looked === undefined) this.#looked.set(key, (looked = coverageOf({ project: this.#project, property }, range, starts, this.#query)));
    const coverage = await looked;
    if (coverage !== undefined) this.#used.add(coverage);
    return coverage;
  }

  /** Buckets that were taken; one that served two ranges counts twice. */
  get buckets(): number {
    let lengthMs = 0;
    for (const { runs } of this.#used) for (const { fromMs, toMs } of runs) lengthMs += toMs - fromMs;
    return lengthMs / BUCKET_MS;
  }

  /** Some of them are frozen. */
  get isApproximate(): boolean {
    return [...this.#used].some(({ isFrozen }) => isFrozen);
  }
}
