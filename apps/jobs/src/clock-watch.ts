import type { Warehouse } from '@tidemark/warehouse';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** More than drift and slewing; a machine that slept, or whose clock was set. */
const JUMP_MS = HOUR_MS;

export interface ClockWatchParts {
  warehouse: Pick<Warehouse, 'query'>;
  /** The machine's clock, epoch ms. */
  nowMs: () => number;
  /** Milliseconds since any moment, by a clock that nobody sets. */
  steadyMs?: () => number;
}

/**
 * Whether the clock may be believed by what deletes for good: ten years ahead, retention would delete every event and id
 * expiry forget every id. It is believed once it has gone a day without a jump, as seen by this process or by what was
 * received: what a clock that jumped says at first, its second day has to bear out. A jump of up to two days may pass.
 */
export class ClockWatch {
  readonly #parts: ClockWatchParts;
  readonly #steadyMs: () => number;
  #last: { nowMs: number; steadyMs: number };
  /** On the steady clock. */
  #undisturbedSinceMs: number;

  constructor(parts: ClockWatchParts) {
    this.#parts = parts;
    this.#steadyMs = parts.steadyMs ?? (() => performance.now());
    this.#last = { nowMs: parts.nowMs(), steadyMs: this.#steadyMs() };
    this.#undisturbedSinceMs = this.#last.steadyMs;
  }

  /** Why the clock is not to be believed just now, as a sentence; undefined when it is. To be asked at least each hour. */
  async doubt(): Promise<string | undefined> {
    const now = { nowMs: this.#parts.nowMs(), steadyMs: this.#steadyMs() };
    const jumpedMs = now.nowMs - this.#last.nowMs - (now.steadyMs - this.#last.steadyMs);
    if (Math.abs(jumpedMs) > JUMP_MS) this.#undisturbedSinceMs = now.steadyMs;
    this.#last = now;
    if (now.steadyMs - this.#undisturbedSinceMs >= DAY_MS) return undefined;
    const { before, yesterday, newestMs } = await this.#received(now.nowMs);
    // Nothing older than yesterday: there is nothing that the clock could contradict.
    if (yesterday > 0 || before === 0) return undefined;
    return `The clock says ${iso(now.nowMs)}, but of the days before nothing was received after ${iso(newestMs)}; nothing is deleted until the clock has gone steadily for a day. Set it if it is wrong.`;
  }

  /** Of what was received: whether there is any from one to two days ago, any from before that, and the newest of that. */
  async #received(nowMs: number): Promise<{ before: number; yesterday: number; newestMs: number }> {
    const [today, yesterday] = [nowMs - DAY_MS, nowMs - 2 * DAY_MS].map((ms) => `toDateTime(${Math.max(0, Math.floor(ms / 1000))}, 'UTC')`);
    const { rows } = await this.#parts.warehouse.query<{ before: number; yesterday: number; newestMs: number }>(
      `SELECT countIf(minute < ${yesterday}) AS before, countIf(minute >= ${yesterday} AND minute < ${today}) AS yesterday,
         toInt64(toUnixTimestamp(maxIf(minute, minute < ${yesterday}))) * 1000 AS newestMs FROM outcomes`,
    );
    const [{ before, yesterday: last, newestMs } = { before: 0, yesterday: 0, newestMs: 0 }] = rows;
    return { before: Number(before), yesterday: Number(last), newestMs: Number(newestMs) };
  }
}

/** What a job throws when it leaves its work because of the clock: shown in GET /api/pipeline, and logged. */
export class ClockDoubted extends Error {
  readonly code = 'clock_doubted';
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
