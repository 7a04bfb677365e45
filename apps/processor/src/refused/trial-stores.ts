import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { insertStagedWhere, LAKE_COLUMNS, literal, POSITIONED_TABLES, stagedRows, type OffsetRange, type PositionedTable, type Warehouse } from '@tidemark/warehouse';

export type StoreName = PositionedTable | 'lake';

const TABLES = Object.keys(POSITIONED_TABLES) as PositionedTable[];

/**
 * Twins of the stores that make of staged rows what the stores would, and keep nothing: tables of the engine Null with
 * the columns of the real ones, and a Parquet file that is thrown away.
 */
export class TrialStores {
  readonly names: readonly StoreName[] = [...TABLES, 'lake'];
  readonly #warehouse: Warehouse;
  readonly #file: string;

  static async open(warehouse: Warehouse, temporaryFolder: string): Promise<TrialStores> {
    const trials = new TrialStores(warehouse, join(temporaryFolder, 'trial.parquet'));
    await trials.close();
    for (const table of TABLES) await warehouse.command(`CREATE TABLE ${twin(table)} AS ${table} ENGINE = Null`);
    return trials;
  }

  private constructor(warehouse: Warehouse, file: string) {
    this.#warehouse = warehouse;
    this.#file = file;
  }

  /** Puts the staged rows of `range` that meet `condition` into the twin of one store. Throws WarehouseError as the store would. */
  async write(store: StoreName, range: OffsetRange, condition: string): Promise<void> {
    if (store !== 'lake') return this.#warehouse.command(insertStagedWhere(store, twin(store), range, condition));
    await this.#warehouse.command(
      `INSERT INTO FUNCTION file(${literal(this.#file)}, 'Parquet') ${stagedRows(LAKE_COLUMNS, range)} WHERE ${condition}
       SETTINGS output_format_parquet_compression_method = 'none', engine_file_truncate_on_insert = 1`,
    );
  }

  async close(): Promise<void> {
    for (const table of TABLES) await this.#warehouse.command(`DROP TABLE IF EXISTS ${twin(table)}`);
    await rm(this.#file, { force: true });
  }
}

function twin(table: PositionedTable): string {
  return `trial_${table}`;
}
