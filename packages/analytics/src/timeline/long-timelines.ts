/**
 * Ids under which many events lie, for a page that needs another statement then to begin it sooner. The table's index knows them: it holds
 * the key of every 512th row: of an id that it names three times within a part there are more than 1,024 rows, of one that it names twice at most 1,535.
 * 2.5 ms for 3 million rows, some 6,000 keys. What is known may be old, and an id may have fewer rows: it changes no answer.
 */
import { literal, type Warehouse } from '@tidemark/warehouse';
import { MAX_SHARE } from '../identity/reading-age.ts';

/** All rows of so many are read sooner than some rows and all keys. */
const SHORT_ROWS = 1_024;
/** Of a project, those with the most rows: 100 bytes each. */
const MAX_IDS = 50_000;
/** It takes an id a while to get as many events. */
const LEAST_AGE_MS = 30_000;

interface Reading {
  /** Id -> about how many rows lie under it, give or take 511. */
  rows: ReadonlyMap<string, number>;
  writes: number | undefined;
  readAtMs: number;
  tookMs: number;
}

export class LongTimelines {
  readonly #warehouse: Warehouse;
  readonly #monotonicMs: () => number;
  readonly #readings = new Map<string, Reading>();
  readonly #reading = new Set<string>();

  constructor(warehouse: Warehouse, { monotonicMs = () => performance.now() } = {}) {
    this.#warehouse = warehouse;
    this.#monotonicMs = monotonicMs;
  }

  /** About how many rows are known to lie under those of the ids that have many, give or take 511 for each; 0 where none is known to. What is too old is read anew for those who ask later. */
  rowsOf(ids: readonly string[], project: string): number {
    const held = this.#readings.get(project);
    if (held === undefined || this.#isOld(held)) void this.read(project);
    return ids.reduce((sum, id) => sum + (held?.rows.get(id) ?? 0), 0);
  }

  /** Resolves when the ids of the project were read; where that fails, they stay what they were. */
  async read(project: string): Promise<void> {
    if (this.#reading.has(project)) return;
    this.#reading.add(project);
    const [writes, readAtMs] = [this.#warehouse.writes?.('timeline'), this.#monotonicMs()];
    let rows = this.#readings.get(project)?.rows ?? new Map();
    try {
      const found = await this.#warehouse.binary(
        `SELECT raw_id, toInt64(sum(rows_in_granule)) FROM mergeTreeIndex(currentDatabase(), timeline) WHERE project = ${literal(project)} GROUP BY raw_id HAVING sum(rows_in_granule) > ${SHORT_ROWS} ORDER BY sum(rows_in_granule) DESC LIMIT ${MAX_IDS} SETTINGS max_threads = 1`,
      );
      const read = new Map<string, number>();
      while (!found.isAtEnd) read.set(found.text(), found.int64());
      rows = read;
    } catch {
      // A page that really can't be read is told why by its own statement.
    }
    this.#readings.set(project, { rows, writes, readAtMs, tookMs: this.#monotonicMs() - readAtMs });
    this.#reading.delete(project);
  }

  #isOld({ writes, readAtMs, tookMs }: Reading): boolean {
    if (this.#monotonicMs() - readAtMs < Math.max(LEAST_AGE_MS, tookMs / MAX_SHARE)) return false;
    return writes === undefined || writes !== this.#warehouse.writes?.('timeline');
  }
}

/** Those of a warehouse. */
export function longTimelinesOf(warehouse: Warehouse): LongTimelines {
  let known = all.get(warehouse);
  if (known === undefined) all.set(warehouse, (known = new LongTimelines(warehouse)));
  return known;
}

const all = new WeakMap<Warehouse, LongTimelines>();
