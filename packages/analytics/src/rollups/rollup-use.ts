import { BUCKET_MS, SKETCH_ERROR } from '@tidemark/warehouse';
import type { TimeRange } from '../time/range.ts';
import { coverageOf, readRollupLines, type Coverage, type RollupLines } from './coverage.ts';

/** What one question takes from rollups. */
export class RollupUse {
  readonly #project: string;
  readonly #query: <Row>(sql: string) => Promise<Row[]>;
  readonly #looked = new Map<string, Promise<Coverage | undefined>>();
  readonly #used = new Set<Coverage>();
  #lines: Promise<RollupLines> | undefined;
  #isEstimated = false;

  constructor(project: string, query: <Row>(sql: string) => Promise<Row[]>) {
    this.#project = project;
    this.#query = query;
  }

  /** The part of a range, with the borders of its points, that is to be taken from rollups by a property; the same each time it is asked for. */
  async take(property: string, range: TimeRange, starts: readonly number[]): Promise<Coverage | undefined> {
    const key = `${range.fromMs} ${range.toMs} ${property}`;
    let looked = this.#looked.get(key);
    if (looked === undefined) this.#looked.set(key, (looked = this.#look(property, range, starts)));
    const coverage = await looked;
    if (coverage !== undefined) this.#used.add(coverage);
    return coverage;
  }

  /** Epoch ms: before it the project's events have begun to expire, and what rollups don't hold is counted of those that are left. */
  async frozenMs(): Promise<number> {
    return (await this.#readLines()).frozenMs;
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

  async #look(property: string, range: TimeRange, starts: readonly number[]): Promise<Coverage | undefined> {
    return coverageOf({ project: this.#project, property }, { range, starts, lines: await this.#readLines() }, this.#query);
  }

  /** Once for a question: all of it is to be judged by the same. */
  #readLines(): Promise<RollupLines> {
    return (this.#lines ??= readRollupLines(this.#project, this.#query));
  }
}
