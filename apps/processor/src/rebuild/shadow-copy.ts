import { filesOf, rowsOfFiles, type Lake, type LakeFile } from '@tidemark/lake';
import { literal, POSITIONED_TABLES, positionCondition, shadowOf, Staging, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { rowsFromLake } from '../mend/lake-rows.ts';
import { REBUILT_TABLES } from './scope.ts';

/** Beside the processor's, which goes on with its own. */
const STAGING = 'rebuild_staging';
/** A table in memory: offsets of one range that the lake holds. */
const LAKE_OFFSETS = 'rebuild_offsets';

/** Takes rows of the lake into the shadows of `events` and `timeline`. */
export class ShadowCopy {
  readonly #warehouse: Warehouse;
  readonly #lake: Lake;
  readonly #staging: Staging;

  static async open(warehouse: Warehouse, lake: Lake, temporaryFolder: string): Promise<ShadowCopy> {
    return new ShadowCopy(warehouse, lake, await Staging.open(warehouse, temporaryFolder, STAGING));
  }

  private constructor(warehouse: Warehouse, lake: Lake, staging: Staging) {
    this.#warehouse = warehouse;
    this.#lake = lake;
    this.#staging = staging;
  }

  /**
   * Those rows of `files` that meet `condition`. `mayBeHeld`: a first try, or another file with the same rows, may have
   * been copied: then only what a shadow does not hold is written to it.
   */
  async copy(files: readonly LakeFile[], condition: string, mayBeHeld: boolean): Promise<void> {
    for (const log of logsOf(files)) {
      for await (const rows of rowsFromLake(this.#warehouse, this.#lake, files, `${positionCondition(log)} AND ${condition}`)) {
        await this.#staging.load(rows);
        const held = mayBeHeld ? await this.#stagedRange(log) : undefined;
        for (const table of REBUILT_TABLES) await this.#warehouse.command(insertFromStaging(table, log, held));
      }
    }
    await this.#staging.clear();
  }

  /** Makes the shadows hold exactly what the lake holds of `range` and `condition`. */
  async correct(range: OffsetRange, condition: string): Promise<void> {
    const files = filesOf(this.#lake, range);
    const within = `${positionCondition(range)} AND ${condition}`;
    await this.copy(files, within, true);
    await this.#loadLakeOffsets(files, within);
    for (const table of REBUILT_TABLES) {
      // Rows that were deleted from the lake after they had been copied.
      const gone = `${within} AND offset NOT IN (SELECT offset FROM ${LAKE_OFFSETS})`;
      const { rows } = await this.#warehouse.query<{ gone: number }>(`SELECT count() AS gone FROM ${shadowOf(table)} WHERE ${gone}`);
      if ((rows[0]?.gone ?? 0) > 0) await this.#warehouse.command(`DELETE FROM ${shadowOf(table)} WHERE ${gone} SETTINGS lightweight_deletes_sync = 2`);
    }
    await this.#warehouse.command(`DROP TABLE ${LAKE_OFFSETS} SYNC`);
  }

  /** How many rows of `table` and `range` the lake does not hold. */
  async surplus(table: string, range: OffsetRange, condition: string): Promise<number> {
    const within = `${positionCondition(range)} AND ${condition}`;
    await this.#loadLakeOffsets(filesOf(this.#lake, range), within);
    const { rows } = await this.#warehouse.query<{ surplus: number }>(`SELECT count() AS surplus FROM ${table} WHERE ${within} AND offset NOT IN (SELECT offset FROM ${LAKE_OFFSETS})`);
    await this.#warehouse.command(`DROP TABLE ${LAKE_OFFSETS} SYNC`);
    return rows[0]?.surplus ?? 0;
  }

  async close(): Promise<void> {
    await this.#staging.close();
    await this.#warehouse.command(`DROP TABLE IF EXISTS ${STAGING} SYNC`);
  }

  async #stagedRange(log: OffsetRange): Promise<OffsetRange> {
    const { rows } = await this.#warehouse.query<{ first: number; last: number }>(`SELECT min(offset) AS first, max(offset) AS last FROM ${STAGING}`);
    const [{ first, last } = { first: 0, last: -1 }] = rows;
    return { ...log, from: first, to: last + 1 };
  }

  async #loadLakeOffsets(files: readonly LakeFile[], condition: string): Promise<void> {
    await this.#warehouse.command(`DROP TABLE IF EXISTS ${LAKE_OFFSETS} SYNC`);
    await this.#warehouse.command(`CREATE TABLE ${LAKE_OFFSETS} (offset UInt64) ENGINE = Memory`);
    for (const select of rowsOfFiles(this.#lake, files, 'offset', condition)) {
      await this.#warehouse.command(`INSERT INTO ${LAKE_OFFSETS} SELECT offset FROM (${select}) SETTINGS use_hive_partitioning = 0`);
    }
  }
}

/** `held`: where rows may be there already. Their offsets are looked for among the staged ones, that the set stays small. */
function insertFromStaging(table: (typeof REBUILT_TABLES)[number], { epoch, partition }: OffsetRange, held: OffsetRange | undefined): string {
  const mapping = POSITIONED_TABLES[table];
  const columns = [...mapping.map(([column]) => column), 'epoch', 'partition', 'offset'];
  const values = [...mapping.map(([, expression]) => expression), literal(epoch), `toUInt16(${partition})`, 'offset'];
  const missing =
    held === undefined ? '' : ` WHERE offset NOT IN (SELECT offset FROM ${shadowOf(table)} WHERE ${positionCondition(held)} AND offset IN (SELECT offset FROM ${STAGING}))`;
  return `INSERT INTO ${shadowOf(table)} (${columns.join(', ')}) SELECT ${values.join(', ')} FROM ${STAGING}${missing}`;
}

/** One range for each log and partition that `files` hold rows of. */
function logsOf(files: readonly LakeFile[]): OffsetRange[] {
  const logs = new Map<string, OffsetRange>();
  for (const { ranges } of files) {
    for (const range of ranges) {
      const key = `${range.partition} ${range.epoch}`;
      const known = logs.get(key);
      if (known === undefined) logs.set(key, { ...range });
      else [known.from, known.to] = [Math.min(known.from, range.from), Math.max(known.to, range.to)];
    }
  }
  return [...logs.values()];
}
