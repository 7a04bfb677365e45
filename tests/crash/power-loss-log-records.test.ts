/**
 * When a record may leave the log: every store has synced it, and an hour has gone since. Random histories of appends,
 * commits, restarts and rounds of the log's retention, over the real log and the real positions, against the rule written
 * plainly. That a position is never ahead of what the stores have synced is shown by power-loss-server.test.ts, where logs
 * that have dropped everything before it must not be missed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forEachRecord, LmdbLogReader, LmdbLogWriter, LmdbPositions } from '@tidemark/log';
import { expect, it } from 'vitest';
import { LogRetention } from '../../apps/server/src/log-retention.ts';
import { seededRandom } from './ledger.ts';

const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const HISTORIES = 5;
const STEPS = 120;
const MINUTE_MS = 60_000;
/** Design, section 6; docs/operating.md. Not taken from the code: that is what is tested. */
const AT_LEAST_MS = 60 * MINUTE_MS;

class History {
  readonly #random: () => number;
  readonly #folder: string;
  readonly #log: LmdbLogWriter;
  readonly #reader: LmdbLogReader;
  readonly #positions: LmdbPositions;
  #retention: LogRetention;
  #nowMs = 0;
  /** Offset after each batch. */
  readonly #ends: number[] = [];
  /** When each position was committed. */
  readonly #commits: { atMs: number; offset: number }[] = [];
  /** What the rounds since the last restart have found committed. */
  #rounds: { atMs: number; offset: number }[] = [];

  static async open(folder: string, random: () => number): Promise<History> {
    const log = await LmdbLogWriter.open(join(folder, 'log'));
    return new History(folder, random, log, LmdbLogReader.open(join(folder, 'log'))!);
  }

  private constructor(folder: string, random: () => number, log: LmdbLogWriter, reader: LmdbLogReader) {
    this.#folder = folder;
    this.#random = random;
    this.#log = log;
    this.#reader = reader;
    this.#positions = new LmdbPositions(join(folder, 'positions'));
    this.#retention = this.#restarted();
  }

  async step(): Promise<string[]> {
    const kind = this.#random();
    if (kind < 0.35) await this.#append();
    else if (kind < 0.55) await this.#commit();
    else if (kind < 0.7) this.#nowMs += Math.floor(this.#random() ** 3 * 70 * MINUTE_MS);
    else if (kind < 0.73) this.#retention = this.#restarted();
    else return this.#round();
    return [];
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#positions.close();
    await this.#log.close();
  }

  #restarted(): LogRetention {
    this.#rounds = [];
    return new LogRetention(this.#log, join(this.#folder, 'positions'), () => this.#nowMs);
  }

  async #append(): Promise<void> {
    const count = 1 + Math.floor(this.#random() * 5);
    const record = Buffer.from([1, 0, 0, 0, 65]);
    const bytes = Buffer.concat(Array.from({ length: count }, () => record));
    await this.#log.append([{ topic: 'events', partition: 0, count, bytes }], [], this.#log.stamp());
    this.#ends.push((this.#ends.at(-1) ?? 0) + count);
  }

  async #commit(): Promise<void> {
    const from = this.#commits.at(-1)?.offset ?? 0;
    const end = this.#ends.at(-1) ?? 0;
    const offset = from + Math.floor(this.#random() * (end - from + 1));
    await this.#positions.set('events', 0, { epoch: this.#log.epoch, offset, metadata: '' });
    this.#commits.push({ atMs: this.#nowMs, offset });
  }

  async #round(): Promise<string[]> {
    const committed = this.#commits.at(-1)?.offset ?? 0;
    this.#rounds.push({ atMs: this.#nowMs, offset: committed });
    await this.#retention.dropConsumed();
    const start = this.#reader.startOffset('events', 0);
    const problems: string[] = [];
    const long = (list: readonly { atMs: number; offset: number }[]): number =>
      list.reduce((offset, each) => (each.atMs <= this.#nowMs - AT_LEAST_MS ? Math.max(offset, each.offset) : offset), 0);
    if (start > committed) problems.push(`records before ${start} are gone, and the stores have ${committed}`);
    if (start > long(this.#commits)) problems.push(`records before ${start} are gone, and an hour ago the stores had ${long(this.#commits)}`);
    // Whole batches, and never the last one.
    const due = this.#ends.slice(0, -1).findLast((end) => end <= long(this.#rounds)) ?? 0;
    if (start < due) problems.push(`records from ${start} on are there, and those before ${due} were known to be stored an hour ago`);
    problems.push(...this.#gaps(start));
    return problems;
  }

  #gaps(start: number): string[] {
    let next = start;
    const end = this.#ends.at(-1) ?? 0;
    for (const batch of start === end ? [] : this.#reader.read('events', 0, start, { maxRecords: 1e9, maxBytes: 1e9 })) {
      forEachRecord(batch, (offset) => {
        if (offset === next) next++;
      });
    }
    return next === end ? [] : [`records from ${next} to ${end} are gone`];
  }
}

it(`power loss: a record stays in the log for an hour after every store has it, and then goes (seed ${SEED})`, async () => {
  const random = seededRandom(SEED);
  const problems: string[] = [];
  for (let history = 0; history < HISTORIES; history++) {
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-log-records-'));
    const run = await History.open(folder, random);
    try {
      for (let step = 0; step < STEPS; step++) problems.push(...(await run.step()).map((problem) => `history ${history}, step ${step}: ${problem}`));
    } finally {
      await run.close();
      rmSync(folder, { recursive: true });
    }
  }
  expect(problems).toEqual([]);
});
