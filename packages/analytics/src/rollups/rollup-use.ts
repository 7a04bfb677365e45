import { BUCKET_MS, SKETCH_ERROR } from '@tidemark/warehouse';
import type { TimeRange } from '../range.ts';
import { coverageOf, type Coverage } from './coverage.ts';

/** What one question takes from rollups. */
export class RollupUse {
  readonly #project: string;
  readonly #query: <Row>(sql: string) => Promise<Row[]>;
  readonly #looked = new Map<string, Promise<Coverage | undefined>>();
  readonly #used = new Set<Coverage>();
  #isEstimated = false;

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

  /** Users were estimated from sketches. */
  noteEstimate(): void {
    this.#isEstimated = true;
  }

  /** As `meta.rollups` tells it; a bucket that served two ranges, or rollups by two properties, counts twice. */
  get told(): { buckets: number; frozen: number; usersError: number } {
    let [lengthMs, frozenMs] = [0, 0];
    for (const { runs, frozenMs: untilMs } of this.#used) {
      for (const { fromMs, toMs } of runs) {
        lengthMs += toMs - fromMs;
        frozenMs += Math.max(0, Math.min(toMs, untilMs) - fromMs);
      }
    }
    return { buckets: lengthMs / BUCKET_MS, frozen: frozenMs / BUCKET_MS, usersError: this.#isEstimated ? SKETCH_ERROR : 0 };
  }
}
