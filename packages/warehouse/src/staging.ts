import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ROW_STRUCTURE } from '@tidemark/event';
import { literal } from './literal.ts';
import type { Warehouse } from './warehouse.ts';

/**
 * The rows of the range that is being applied, in an in-memory table: read once, copied column by column into every
 * store. docs/performance.md says what each costs; each of them from the row file on its own would read it again.
 */
export class Staging {
  readonly #warehouse: Warehouse;
  readonly #path: string;
  readonly #table: string;
  /** One file for all ranges, written over: to make and remove one for each costs 0.45 us an event more. */
  readonly #file: FileHandle;

  /** `folder`: where the row file passes through, readable by the engine. `table`: whoever works beside another has one of its own. */
  static async open(warehouse: Warehouse, folder: string, table = 'staging'): Promise<Staging> {
    await warehouse.command(`DROP TABLE IF EXISTS ${table}`);
    await warehouse.command(`CREATE TABLE ${table} (${ROW_STRUCTURE}) ENGINE = Memory`);
    const path = join(folder, `${table}.rows`);
    return new Staging(warehouse, path, table, await open(path, 'w'));
  }

  private constructor(warehouse: Warehouse, path: string, table: string, file: FileHandle) {
    this.#warehouse = warehouse;
    this.#path = path;
    this.#table = table;
    this.#file = file;
  }

  /** Replaces what is staged by `rows`, RowBinary in pieces; resolves to their bytes. */
  async load(rows: Iterable<Buffer>): Promise<number> {
    await this.clear();
    let size = 0;
    for (const piece of rows) {
      for (let at = 0; at < piece.length; ) at += (await this.#file.write(piece, at, piece.length - at, size + at)).bytesWritten;
      size += piece.length;
    }
    if (size === 0) return 0;
    await this.#file.truncate(size);
    const source = `file(${literal(this.#path)}, 'RowBinary', ${literal(ROW_STRUCTURE)})`;
    await this.#warehouse.command(`INSERT INTO ${this.#table} SELECT * FROM ${source}`);
    return size;
  }

  async clear(): Promise<void> {
    await this.#warehouse.command(`TRUNCATE TABLE ${this.#table}`);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}
