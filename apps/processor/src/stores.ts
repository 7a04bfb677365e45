import type { Lake } from '@tidemark/lake';
import { countUnstaged, deleteUnstaged, DERIVED_TABLES, insertDerived, insertStaged, POSITIONED_TABLES, Staging, type DerivedTable, type OffsetRange, type PositionedTable, type Warehouse } from '@tidemark/warehouse';
import { GiveWay } from './range/give-way.ts';
import { findRefused, type RefusedRows } from './refused/find-refused.ts';
import { mayBeAboutRows } from './refused/store-error.ts';

/** `derived`: the tables made of events (identity), together. */
type WrittenStore = PositionedTable | 'lake' | 'staging' | 'derived';

/** Told how long one write of one range took, and whether it failed. */
export type WriteObserver = (store: WrittenStore, seconds: number, failed: boolean) => void;

/** Writes one range of kept rows into every store. Done twice, it is as if done once. */
export class Stores {
  readonly #warehouse: Warehouse;
  readonly #staging: Staging;
  readonly #lake: Lake;
  readonly #temporaryFolder: string;
  readonly #observe: WriteObserver;
  readonly #giveWay: GiveWay;
  readonly #derived: Record<DerivedTable, number> = { identity_claims: 0, identity_links: 0, trait_changes: 0 };

  static async open(warehouse: Warehouse, lake: Lake, temporaryFolder: string, observe: WriteObserver): Promise<Stores> {
    return new Stores(warehouse, await Staging.open(warehouse, temporaryFolder), lake, temporaryFolder, observe);
  }

  private constructor(warehouse: Warehouse, staging: Staging, lake: Lake, temporaryFolder: string, observe: WriteObserver) {
    this.#warehouse = warehouse;
    this.#staging = staging;
    this.#lake = lake;
    this.#temporaryFolder = temporaryFolder;
    this.#observe = observe;
    this.#giveWay = new GiveWay({ unaskedMs: warehouse.unaskedMs?.bind(warehouse) });
  }

  /**
   * `rows`: RowBinary rows with their offsets filled in, in pieces. `secondTry`: a first one may have got part of the way.
   * `withdraw`: it may have written rows of this range that are no longer among `rows`.
   * The lake counts the range only when every table has taken it, since from there nothing could be withdrawn. What is
   * derived is written in between: rows that a store refuses never come so far, and until the position is set a second
   * try writes it again.
   */
  async write(rows: Iterable<Buffer>, range: OffsetRange, secondTry: boolean, withdraw = false): Promise<void> {
    const staged = await this.#giveWay.step(() => this.#timed('staging', () => this.#staging.load(rows)));
    if (staged === 0 && !withdraw) return;
    if (withdraw) await this.#withdraw(range);
    let count = () => {};
    // All are waited for: what is still writing must not meet a second try.
    throwFirst(await this.#giveWay.steps([
      () => this.#table('events', range, secondTry),
      () => this.#table('timeline', range, secondTry).then(() => this.#table('event_ids', range, secondTry)),
      () => this.#timed('lake', async () => {
        count = await this.#lake.prepare(range, secondTry);
      }),
    ]));
    await this.#giveWay.step(() => this.#timed('derived', async () => {
      const written = await insertDerived(this.#warehouse, 'staging').catch((error: unknown) => {
        // Some may have been.
        for (const table of DERIVED_TABLES) this.#derived[table]++;
        throw error;
      });
      for (const table of written) this.#derived[table]++;
    }));
    count();
    await this.#staging.clear();
  }

  /** How often each derived table was written to since the start: it tells whether something read of it still holds. */
  get derivedWrites(): Readonly<Record<DerivedTable, number>> {
    return this.#derived;
  }

  async close(): Promise<void> {
    await this.#staging.close();
  }

  /** Which of `rows`, whose offsets are `offsets`, some store refuses, and why. Stores nothing. */
  async findRefused(rows: Iterable<Buffer>, offsets: readonly number[], range: OffsetRange): Promise<RefusedRows> {
    await this.#staging.load(rows);
    const refused = await findRefused(this.#warehouse, this.#temporaryFolder, offsets, range);
    await this.#staging.clear();
    return refused;
  }

  async #withdraw(range: OffsetRange): Promise<void> {
    for (const table of Object.keys(POSITIONED_TABLES) as PositionedTable[]) {
      const { rows } = await this.#warehouse.query<{ unstaged: number }>(countUnstaged(table, range));
      if ((rows[0]?.unstaged ?? 0) > 0) await this.#warehouse.command(deleteUnstaged(table, range));
    }
  }

  #table(table: PositionedTable, range: OffsetRange, secondTry: boolean): Promise<void> {
    return this.#timed(table, () => this.#warehouse.command(insertStaged(table, range, secondTry)));
  }

  async #timed<Result>(store: WrittenStore, write: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    let failed = true;
    try {
      const result = await write();
      failed = false;
      return result;
    } finally {
      this.#observe(store, (performance.now() - startedAt) / 1000, failed);
    }
  }
}

/** Throws if one failed. Of several errors one that isn't about rows comes first, since then the rows can't be judged. */
function throwFirst(ends: readonly PromiseSettledResult<void>[]): void {
  const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  if (errors.length > 0) throw errors.find((error) => !mayBeAboutRows(error)) ?? errors[0];
}
