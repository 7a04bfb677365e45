/**
 * A process that has started before its query comes, and has run nothing of anybody's: it serves one query, of whichever project, and
 * ends as any other. There is at most one, and none when nobody has asked for a while.
 */
import type { QuerySeat } from './query-seat.ts';

/** Node's; a longer one would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export class Spare {
  readonly #start: () => QuerySeat;
  readonly #keepMs: number;
  #seat: QuerySeat | undefined;
  #anonymousBytes: number | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `keepMs`: how long it waits; with 0 there never is one. */
  constructor(keepMs: number, start: () => QuerySeat) {
    this.#keepMs = keepMs;
    this.#start = start;
  }

  /** Another query is to be expected: has one start, unless there is one, and wait for `keepMs` from now. */
  expect(): void {
    if (this.#keepMs === 0) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.close(), Math.min(this.#keepMs, MAX_TIMER_MS)).unref();
    if (this.#seat !== undefined) return;
    const seat = this.#started();
    if (seat === undefined) return;
    this.#seat = seat;
    seat.run.ready.then(
      (bytes) => this.#seat === seat && (this.#anonymousBytes = bytes),
      () => {},
    );
    // Killed by somebody else, or it could not start: the next query starts its own.
    void seat.run.gone.then(() => {
      if (this.#seat === seat) this.close();
    });
  }

  /** A disk that is full, say, is no reason to withhold the answer that was just made: the next query will tell. */
  #started(): QuerySeat | undefined {
    try {
      return this.#start();
    } catch {
      return undefined;
    }
  }

  /** It is the caller's then; undefined when there is none. It may still be starting. */
  take(): QuerySeat | undefined {
    const seat = this.#seat;
    this.#forget();
    return seat;
  }

  /** Bytes of memory that it holds for itself alone while it waits; undefined while there is none, or it is starting. */
  get anonymousBytes(): number | undefined {
    return this.#anonymousBytes;
  }

  /** What is left of its folder, if it can't be removed, the next start of the server removes. */
  close(): void {
    clearTimeout(this.#timer);
    void this.take()?.end().catch(() => {});
  }

  #forget(): void {
    this.#seat = undefined;
    this.#anonymousBytes = undefined;
  }
}
