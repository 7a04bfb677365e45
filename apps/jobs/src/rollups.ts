import type { DirtyBuckets } from '@tidemark/processor';
import { bucketStart, clearMarks, deleteSuperseded, marked, nextBorder, nextVersion, raiseLine, readLine, readLines, readRollupState, recompute, type Mark, type RollupDefinition, type RollupState, type Warehouse } from '@tidemark/warehouse';
import type { ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';
import { backfill } from './rollup-backfill.ts';
import { coarsenSealed } from './rollup-coarser.ts';
import { bucketsOf, portionsOf } from './rollup-portions.ts';
import { sketchFrozen } from './rollup-sketches.ts';

const MINUTE_MS = 60_000;
/** Marks that are looked at at a time. */
const BUCKETS_AT_A_TIME = 2_000;
/** So that other jobs get their turn while history is imported. */
const MAX_ROUNDS = 5;
/** What comes late again and again is not to have its day made anew each minute. */
const COARSEN_EVERY_MS = 10 * MINUTE_MS;
const CLEAN_UP_EVERY_MS = 60 * MINUTE_MS;
/** Fewer rows of old versions are not worth a mutation. */
const FEW_ROWS = 10_000;

/** Who writes events, as far as rollups have to do with it. */
interface EventWriter {
  status(): { watermarkMs: number };
  /** Runs `work` while no range is being written. */
  between<Result>(work: () => Promise<Result>): Promise<Result>;
  dirty: Pick<DirtyBuckets, 'lineMs' | 'raise' | 'markStored' | 'endGeneration'>;
}

export interface RollupParts {
  warehouse: Warehouse;
  writer: EventWriter;
  /** Which rollups a project has, and how their dimensions are read of events. */
  definitionsOf: (project: string) => Promise<readonly RollupDefinition[]>;
  /** SELECT of the persons of a project's actors, as of the call. */
  personsOf: (project: string) => Promise<string>;
  clock: Pick<ClockWatch, 'doubt'>;
  nowMs?: () => number;
  /** Events of one statement, which bounds its memory; a single bucket may have more. */
  eventsAtATime?: number;
  coarsenEveryMs?: number;
  /** Told after each round, of all projects. */
  report?: (state: RollupState) => void;
}

/** Seals buckets that the watermark has passed and makes rollups of those that have none or are dirty (docs/decisions/011). */
export class Rollups {
  readonly #parts: RollupParts;
  #coarsenedMs = -Infinity;
  #cleanedUpMs = -Infinity;

  constructor(parts: RollupParts) {
    this.#parts = parts;
  }

  get job(): Job {
    return { name: 'rollups', everyMs: MINUTE_MS, run: (signal) => this.#run(signal) };
  }

  /**
   * Before events of a project older than `beforeMs` are deleted for good: makes the rollups of their buckets, then freezes
   * these. Throws where they are not sealed yet, or a statement fails; nothing may be deleted then.
   */
  async freeze(project: string, beforeMs: number, signal?: AbortSignal): Promise<void> {
    const { warehouse } = this.#parts;
    const untilMs = nextBorder(beforeMs);
    if (((await readLine(warehouse, 'frozen', project)) ?? -Infinity) >= untilMs) return;
    await this.#seal();
    if (((await readLine(warehouse, 'sealed')) ?? -Infinity) < untilMs) {
      throw new Error('Events are old enough to be deleted, but not all events of their time are stored yet: they are kept until the stores have caught up with the log.');
    }
    await this.#recomputeMarked(signal, { project, beforeMs: untilMs });
    await raiseLine(warehouse, 'frozen', untilMs, project);
  }

  async #run(signal?: AbortSignal): Promise<{ rows: number; did: string } | undefined> {
    await this.#seal();
    const made = await this.#recomputeMarked(signal);
    const added = await backfill(this.#parts, signal);
    const { nowMs = Date.now, warehouse, coarsenEveryMs = COARSEN_EVERY_MS } = this.#parts;
    if (nowMs() - this.#coarsenedMs >= coarsenEveryMs) {
      await coarsenSealed(this.#parts, signal);
      this.#coarsenedMs = nowMs();
    }
    await sketchFrozen(this.#parts, signal);
    if (nowMs() - this.#cleanedUpMs >= CLEAN_UP_EVERY_MS) {
      await deleteSuperseded(warehouse, FEW_ROWS);
      this.#cleanedUpMs = nowMs();
    }
    this.#parts.report?.(await readRollupState(warehouse));
    const [buckets, rows] = [made.buckets + added.buckets, made.rows + added.rows];
    const byProperty = added.buckets === 0 ? '' : `, ${added.buckets} of them by a property that the project named since`;
    return buckets === 0 ? undefined : { rows, did: `${buckets} quarters of an hour were rolled up into ${rows} rows${byProperty}` };
  }

  /** First the line, so that whatever comes later marks; then marks for what is there; only then is it sealed. A kill in between repeats it. */
  async #seal(): Promise<void> {
    const { warehouse, writer, clock } = this.#parts;
    // A clock that is ahead would have every event of a while be late.
    const untilMs = (await clock.doubt()) === undefined ? bucketStart(writer.status().watermarkMs) : -Infinity;
    const lineMs = Math.max(untilMs, writer.dirty.lineMs);
    const sealedMs = await readLine(warehouse, 'sealed');
    if (lineMs <= (sealedMs ?? -Infinity)) return;
    await writer.between(() => writer.dirty.raise(lineMs));
    await writer.dirty.markStored(sealedMs === undefined ? { toMs: lineMs } : { fromMs: sealedMs, toMs: lineMs });
    await raiseLine(warehouse, 'sealed', lineMs);
  }

  async #recomputeMarked(signal?: AbortSignal, only?: { project: string; beforeMs: number }): Promise<{ buckets: number; rows: number }> {
    const { warehouse, writer, definitionsOf, eventsAtATime = 500_000 } = this.#parts;
    const done = { buckets: 0, rows: 0 };
    let version = await nextVersion(warehouse);
    const frozen = await readLines(warehouse, 'frozen');
    const isFrozen = ({ project, startMs }: Mark): boolean => startMs < (frozen.get(project) ?? -Infinity);
    for (let round = 0; only !== undefined || round < MAX_ROUNDS; round++) {
      const generation = await writer.between(async () => writer.dirty.endGeneration());
      const marks = await marked(warehouse, BUCKETS_AT_A_TIME, only);
      for (const { buckets, definitions } of await portionsOf(warehouse, marks.filter((mark) => !isFrozen(mark)), { definitionsOf, maxEvents: eventsAtATime })) {
        signal?.throwIfAborted();
        // A version is whole with its last row: a question may count on all up to the newest that it has seen.
        done.rows += await recompute(warehouse, buckets, version++, definitions);
        await clearMarks(warehouse, buckets, generation);
        for (const starts of buckets.values()) done.buckets += starts.length;
      }
      // Of less than there was nothing is made.
      await clearMarks(warehouse, bucketsOf(marks.filter(isFrozen)), generation);
      if (marks.length < BUCKETS_AT_A_TIME) break;
    }
    return done;
  }
}
