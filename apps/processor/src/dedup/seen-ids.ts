import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { IdFilter } from './id-filter.ts';
import { WeekClock } from './week.ts';

const KEY_BYTES = 16;

/** Keys (latin1 texts of 16 bytes) that may have been seen, each with the weeks it may have been seen in. */
export type Doubtful = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * The ids seen within the dedup window: filters in memory rule most new ones out, and what they can't rule out is
 * looked up in the table event_ids, one query a range. The table is the truth; the filters are made from it at start.
 *
 * Each week of receipt has a filter of its own, as it has a partition of its own: so a key is looked for in the parts of
 * one week and not of five or six. With that, and reading `content` alone, a look-up among 50 million ids went from
 * 100 us of CPU to 15 (chDB 26.7, 2026-11-22).
 */
export class SeenIds {
  readonly #weeks = new Map<string, IdFilter>();
  readonly #clock = new WeekClock();
  /** receivedAt of the oldest remembered id, epoch ms: an id is known again since then. */
  windowStartMs = 0;
  readonly #warehouse: Warehouse;
  readonly #keysFile: string;

  static async load(warehouse: Warehouse, temporaryFolder: string, nowMs: number): Promise<SeenIds> {
    const seen = new SeenIds(warehouse, temporaryFolder);
    await seen.reload(nowMs);
    return seen;
  }

  /** Reads all of the table, which was given ids that the filters don't know. Nothing may be written to it meanwhile. */
  async reload(nowMs: number): Promise<void> {
    const { rows } = await this.#warehouse.query<{ week: string; ids: number; startMs: number }>(
      'SELECT _partition_id AS week, count() AS ids, toInt64(toUnixTimestamp(min(received_at))) * 1000 AS startMs FROM event_ids GROUP BY week ORDER BY week',
    );
    for (const { week, ids } of rows) await this.#loadWeek(week, ids);
    // Nothing seen yet means that nothing was forgotten: the window begins now.
    this.windowStartMs = rows.length === 0 ? nowMs : Math.min(...rows.map(({ startMs }) => startMs));
  }

  private constructor(warehouse: Warehouse, temporaryFolder: string) {
    this.#warehouse = warehouse;
    this.#keysFile = join(temporaryFolder, 'candidate.keys');
  }

  get size(): number {
    return [...this.#weeks.values()].reduce((sum, { size }) => sum + size, 0);
  }

  get memoryBytes(): number {
    return [...this.#weeks.values()].reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
  }

  /** The weeks that the 16-byte key at `at` may have been seen in; undefined means that it surely was not, and now it is, in the week of `receivedAtMs`. */
  addUnlessSeen(bytes: Buffer, at: number, receivedAtMs: number): Set<string> | undefined {
    let weeks: Set<string> | undefined;
    for (const [week, filter] of this.#weeks) if (filter.has(bytes, at)) (weeks ??= new Set()).add(week);
    if (weeks === undefined) this.#filterOf(this.#clock.at(receivedAtMs)).add(bytes, at);
    return weeks;
  }

  /** To be called for a key that was doubtful and is new after all: a copy of it will be looked for in this week. */
  add(bytes: Buffer, at: number, receivedAtMs: number): void {
    const filter = this.#filterOf(this.#clock.at(receivedAtMs));
    if (!filter.has(bytes, at)) filter.add(bytes, at);
  }

  /** The weeks that began before `day`, such as `20261118`, are no longer in the table. */
  forgetBefore(day: string): void {
    for (const week of this.#weeks.keys()) if (week < day) this.#weeks.delete(week);
  }

  /**
   * The content hash of each of `keys` that was seen. With `before` only in records that lie before this range: what a
   * broken first try of it already wrote does not count, so that a second try decides the same.
   */
  async lookUp(keys: Doubtful, before: OffsetRange | undefined): Promise<Map<string, number>> {
    const found = new Map<string, number>();
    const byWeek = new Map<string, string[]>();
    for (const [key, weeks] of keys) for (const week of weeks) append(byWeek, week, key);
    const older = before === undefined ? '' : ` AND NOT (epoch = ${literal(before.epoch)} AND partition = ${before.partition} AND offset >= ${before.from})`;
    for (const [week, inWeek] of byWeek) {
      await writeFile(this.#keysFile, Buffer.from(inWeek.join(''), 'latin1'));
      const candidates = `file(${literal(this.#keysFile)}, 'RowBinary', 'key FixedString(16)')`;
      const { rows } = await this.#warehouse.query<{ id: string; content: number }>(
        `SELECT hex(key) AS id, content FROM event_ids WHERE _partition_id = ${literal(week)} AND key IN (SELECT key FROM ${candidates})${older}`,
      );
      for (const { id, content } of rows) found.set(Buffer.from(id, 'hex').toString('latin1'), content);
    }
    await rm(this.#keysFile, { force: true });
    return found;
  }

  async #loadWeek(week: string, ids: number): Promise<void> {
    const filter = new IdFilter(ids);
    this.#weeks.set(week, filter);
    let rest: Buffer = Buffer.alloc(0);
    for await (const chunk of this.#warehouse.stream(`SELECT key FROM event_ids WHERE _partition_id = ${literal(week)}`, 'RowBinary')) {
      const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % KEY_BYTES);
      for (let at = 0; at < whole; at += KEY_BYTES) filter.add(bytes, at);
      rest = bytes.subarray(whole);
    }
  }

  #filterOf(week: string): IdFilter {
    let filter = this.#weeks.get(week);
    // A week is likely to be as full as the one before.
    if (filter === undefined) this.#weeks.set(week, (filter = new IdFilter([...this.#weeks.values()].at(-1)?.size)));
    return filter;
  }
}

function append(byWeek: Map<string, string[]>, week: string, key: string): void {
  const keys = byWeek.get(week);
  if (keys === undefined) byWeek.set(week, [key]);
  else keys.push(key);
}
