import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { IdFilter } from './id-filter.ts';

const KEY_BYTES = 16;

/**
 * The ids seen within the dedup window: a filter in memory rules most new ones out, and what it can't rule out is
 * looked up in the table event_ids, one query a range. The table is the truth; the filter is made from it at start.
 */
export class SeenIds {
  readonly filter: IdFilter;
  /** receivedAt of the oldest remembered id, epoch ms: an id is known again since then. */
  windowStartMs = 0;
  readonly #warehouse: Warehouse;
  readonly #keysFile: string;

  static async load(warehouse: Warehouse, temporaryFolder: string, nowMs: number): Promise<SeenIds> {
    const { rows } = await warehouse.query<{ ids: number; startMs: number }>('SELECT count() AS ids, toInt64(min(received_at)) * 1000 AS startMs FROM event_ids');
    const { ids, startMs } = rows[0] ?? { ids: 0, startMs: 0 };
    const seen = new SeenIds(warehouse, temporaryFolder, new IdFilter(ids));
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of warehouse.stream('SELECT key FROM event_ids', 'RowBinary')) {
      const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % KEY_BYTES);
      for (let at = 0; at < whole; at += KEY_BYTES) seen.filter.add(bytes, at);
      rest = bytes.subarray(whole);
    }
    // Nothing seen yet means that nothing was forgotten: the window begins now.
    seen.windowStartMs = startMs || nowMs;
    return seen;
  }

  private constructor(warehouse: Warehouse, temporaryFolder: string, filter: IdFilter) {
    this.filter = filter;
    this.#warehouse = warehouse;
    this.#keysFile = join(temporaryFolder, 'candidate.keys');
  }

  /**
   * The content hash of each of `keys` (latin1 texts of 16 bytes) that was seen before `range`. What a broken first
   * try of the same range already wrote does not count, so that a second try decides the same.
   */
  async lookUp(keys: ReadonlySet<string>, range: OffsetRange): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    if (keys.size === 0) return found;
    await writeFile(this.#keysFile, Buffer.from([...keys].join(''), 'latin1'));
    const candidates = `file(${literal(this.#keysFile)}, 'RowBinary', 'key FixedString(16)')`;
    const { rows } = await this.#warehouse.query<{ id: string; content: number }>(
      `SELECT hex(key) AS id, content FROM event_ids
       WHERE key IN (SELECT key FROM ${candidates})
         AND NOT (epoch = ${literal(range.epoch)} AND partition = ${range.partition} AND offset >= ${range.from})`,
    );
    await rm(this.#keysFile, { force: true });
    for (const { id, content } of rows) found.set(Buffer.from(id, 'hex').toString('latin1'), content);
    return found;
  }
}
