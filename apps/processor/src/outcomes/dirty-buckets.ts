import { PREFIX, readInt64 } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import { bucketStart, markBuckets, markStored, raiseLine, readLine, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from '../dedup/deduplicate.ts';
import { RowOrigin } from '../range/row-prefix.ts';

/**
 * Marks the quarters of an hour whose rollup is not, or will soon not be, what their events make. A range marks before its
 * rows are written, and again on each further try; a recompute clears only marks of generations that ended, between two
 * ranges, before it began to read. So whatever it may have missed is marked still (docs/decisions/011).
 */
export class DirtyBuckets {
  readonly #warehouse: Warehouse;
  #lineMs: number;
  #generation: number;
  /** Starts of the buckets that have a mark of this generation, by project. */
  #marked = new Map<string, Set<number>>();

  /** To be called before any row is written. Throws WarehouseError. */
  static async open(warehouse: Warehouse): Promise<DirtyBuckets> {
    const { rows } = await warehouse.query<{ last: number }>('SELECT max(generation) AS last FROM rollup_marks');
    // What is sealed was under the line, whatever became of the line.
    const lines = [await readLine(warehouse, 'mark'), await readLine(warehouse, 'sealed')];
    return new DirtyBuckets(warehouse, Math.max(...lines.map((ms) => ms ?? -Infinity)), (rows[0]?.last ?? 0) + 1);
  }

  private constructor(warehouse: Warehouse, lineMs: number, generation: number) {
    this.#warehouse = warehouse;
    this.#lineMs = lineMs;
    this.#generation = generation;
  }

  /** Events before it mark their bucket; epoch ms, -Infinity before the first. */
  get lineMs(): number {
    return this.#lineMs;
  }

  /** Marks what the rows of a range will change. Durable when it resolves. Throws WarehouseError. */
  async mark(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]): Promise<void> {
    const lineMs = this.#lineMs;
    const origin = new RowOrigin();
    let found: Map<string, Set<number>> | undefined;
    forEachRow(batches, range, (index, bytes, start) => {
      const timeMs = readInt64(bytes, start + PREFIX.time);
      if (timeMs >= lineMs) return;
      const verdict = verdicts[index];
      // A row that is refused may have been written by a first try, and rolled up, and is withdrawn now.
      if (verdict !== 'keep' && verdict !== 'refused') return;
      const { project } = origin.read(bytes, start);
      const bucket = bucketStart(timeMs);
      if (this.#marked.get(project)?.has(bucket)) return;
      found ??= new Map();
      let starts = found.get(project);
      if (starts === undefined) found.set(project, (starts = new Set()));
      starts.add(bucket);
    });
    if (found === undefined) return;
    const marks = new Map([...found].map(([project, starts]) => [project, [...starts]]));
    await markBuckets(this.#warehouse, marks, { generation: this.#generation, epoch: range.epoch, offset: range.to });
    for (const [project, starts] of found) {
      const known = this.#marked.get(project);
      if (known === undefined) this.#marked.set(project, starts);
      else for (const start of starts) known.add(start);
    }
  }

  /** Marks every bucket in [fromMs, toMs) that has events or a rollup; absent: from the beginning, up to the line. Throws WarehouseError. */
  async markStored({ fromMs, toMs = this.#lineMs }: { fromMs?: number; toMs?: number } = {}): Promise<void> {
    if (toMs === -Infinity) return;
    await markStored(this.#warehouse, { fromMs, toMs }, this.#generation);
  }

  /** Raises the line to a border between buckets. To be called between two ranges. Durable when it resolves. Throws WarehouseError. */
  async raise(lineMs: number): Promise<void> {
    if (lineMs <= this.#lineMs) return;
    await raiseLine(this.#warehouse, 'mark', lineMs);
    this.#lineMs = lineMs;
  }

  /** Ends a generation and answers it: every row that a range wrote under its marks can be read now. To be called between two ranges. */
  endGeneration(): number {
    this.#marked = new Map();
    return this.#generation++;
  }
}
