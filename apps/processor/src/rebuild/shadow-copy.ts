import { filesOf, rowsOfFiles, type LakeFile } from '@tidemark/lake';
import { positionCondition, shadowOf, type OffsetRange } from '@tidemark/warehouse';
import { insertEventsFromLake, insertFromLake, type LakeRows, type LakeRowsParts } from '../mend/lake-rows.ts';
import { allEnded } from './all-ended.ts';
import { REBUILT_TABLES } from './scope.ts';

/** A table in memory: offsets that some files of the lake hold. */
const LAKE_OFFSETS = 'rebuild_offsets';

/** Takes rows of the lake into the shadows of `events` and `timeline`. */
export class ShadowCopy {
  readonly #parts: LakeRowsParts;

  constructor(parts: LakeRowsParts) {
    this.#parts = parts;
  }

  /**
   * Those rows of `files` that meet `condition`. `mayBeHeld`: a first try, or another file with the same rows, may have
   * been copied: then only what a shadow does not hold is written to it.
   */
  async copy(files: readonly LakeFile[], condition: string, mayBeHeld: boolean): Promise<void> {
    for (const log of logsOf(files)) {
      const within = `${positionCondition(log)} AND ${condition}`;
      if (mayBeHeld) await this.#loadLakeOffsets(files, within);
      const rowsFor = (table: string): LakeRows => ({ files, condition: within, ...(mayBeHeld && { missing: notHeld(shadowOf(table), log) }) });
      await allEnded([insertEventsFromLake(this.#parts, shadowOf('events'), rowsFor('events')), insertFromLake(this.#parts, 'timeline', shadowOf('timeline'), rowsFor('timeline'))]);
    }
  }

  /** Makes the shadows hold exactly what the lake holds of `range` and `condition`. */
  async correct(range: OffsetRange, condition: string): Promise<void> {
    const files = filesOf(this.#parts.lake, range);
    const within = `${positionCondition(range)} AND ${condition}`;
    await this.copy(files, within, true);
    await this.#loadLakeOffsets(files, within);
    for (const table of REBUILT_TABLES) {
      // Rows that were deleted from the lake after they had been copied.
      const gone = `${within} AND offset NOT IN (SELECT offset FROM ${LAKE_OFFSETS})`;
      const { rows } = await this.#parts.warehouse.query<{ gone: number }>(`SELECT count() AS gone FROM ${shadowOf(table)} WHERE ${gone}`);
      if ((rows[0]?.gone ?? 0) > 0) await this.#parts.warehouse.command(`DELETE FROM ${shadowOf(table)} WHERE ${gone} SETTINGS lightweight_deletes_sync = 2`);
    }
    await this.#parts.warehouse.command(`DROP TABLE ${LAKE_OFFSETS} SYNC`);
  }

  /** How many rows of `table` and `range` the lake does not hold. */
  async surplus(table: string, range: OffsetRange, condition: string): Promise<number> {
    const within = `${positionCondition(range)} AND ${condition}`;
    await this.#loadLakeOffsets(filesOf(this.#parts.lake, range), within);
    const { rows } = await this.#parts.warehouse.query<{ surplus: number }>(`SELECT count() AS surplus FROM ${table} WHERE ${within} AND offset NOT IN (SELECT offset FROM ${LAKE_OFFSETS})`);
    await this.#parts.warehouse.command(`DROP TABLE ${LAKE_OFFSETS} SYNC`);
    return rows[0]?.surplus ?? 0;
  }

  async close(): Promise<void> {
    await this.#parts.warehouse.command(`DROP TABLE IF EXISTS ${LAKE_OFFSETS} SYNC`);
  }

  async #loadLakeOffsets(files: readonly LakeFile[], condition: string): Promise<void> {
    await this.#parts.warehouse.command(`DROP TABLE IF EXISTS ${LAKE_OFFSETS} SYNC`);
    await this.#parts.warehouse.command(`CREATE TABLE ${LAKE_OFFSETS} (offset UInt64) ENGINE = Memory`);
    for (const select of rowsOfFiles(this.#parts.lake, files, 'offset', condition)) {
      await this.#parts.warehouse.command(`INSERT INTO ${LAKE_OFFSETS} SELECT offset FROM (${select}) SETTINGS use_hive_partitioning = 0`);
    }
  }
}

/** SQL: the row of `log` is not in the table. Only offsets that are to be written are looked for, that the set stays small. */
function notHeld(table: string, log: OffsetRange): string {
  return `offset NOT IN (SELECT offset FROM ${table} WHERE ${positionCondition(log)} AND offset IN (SELECT offset FROM ${LAKE_OFFSETS}))`;
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
