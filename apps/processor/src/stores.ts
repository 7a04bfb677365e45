import type { Lake } from '@tidemark/lake';
import { insertStaged, Staging, type OffsetRange, type PositionedTable, type Warehouse } from '@tidemark/warehouse';

/** Told how long one write of one range took, and whether it failed. */
export type WriteObserver = (store: PositionedTable | 'lake' | 'staging', seconds: number, failed: boolean) => void;

/** Writes one range of kept rows into every store. Done twice, it is as if done once. */
export class Stores {
  readonly #warehouse: Warehouse;
  readonly #staging: Staging;
  readonly #lake: Lake;
  readonly #observe: WriteObserver;

  static async open(warehouse: Warehouse, lake: Lake, temporaryFolder: string, observe: WriteObserver): Promise<Stores> {
    return new Stores(warehouse, await Staging.open(warehouse, temporaryFolder), lake, observe);
  }

  private constructor(warehouse: Warehouse, staging: Staging, lake: Lake, observe: WriteObserver) {
    this.#warehouse = warehouse;
    this.#staging = staging;
    this.#lake = lake;
    this.#observe = observe;
  }

  /** `rows`: RowBinary rows with their offsets filled in. `secondTry`: a first one may have got part of the way. */
  async write(rows: Buffer, range: OffsetRange, secondTry: boolean): Promise<void> {
    if (rows.length === 0) return;
    await this.#timed('staging', () => this.#staging.load(rows));
    await Promise.all([
      this.#table('events', range, secondTry),
      this.#table('timeline', range, secondTry).then(() => this.#table('event_ids', range, secondTry)),
      this.#timed('lake', () => this.#lake.land(range, secondTry)),
    ]);
    await this.#staging.clear();
  }

  #table(table: PositionedTable, range: OffsetRange, secondTry: boolean): Promise<void> {
    return this.#timed(table, () => this.#warehouse.command(insertStaged(table, range, secondTry)));
  }

  async #timed(store: PositionedTable | 'lake' | 'staging', write: () => Promise<void>): Promise<void> {
    const startedAt = performance.now();
    let failed = true;
    try {
      await write();
      failed = false;
    } finally {
      this.#observe(store, (performance.now() - startedAt) / 1000, failed);
    }
  }
}
