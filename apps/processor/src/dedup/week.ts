const DAY_S = 86_400;
const WEEK_S = 7 * DAY_S;
/** 1970-01-05, the first Monday that DateTime has. */
const FIRST_MONDAY_S = 4 * DAY_S;
const MAX_S = 0xffff_ffff;

/**
 * Turns a time of receipt, epoch ms, into the id of the partition of event_ids that its row lies in: the Monday of its
 * week as ClickHouse's `toMonday(toDateTime(received_at))` has it, `20261116`. Days before the first Monday are a week too.
 */
export class WeekClock {
  #fromS = 0;
  #toS = 0;
  #id = '';

  at(receivedAtMs: number): string {
    const seconds = Math.min(Math.max(Math.floor(receivedAtMs / 1000), 0), MAX_S);
    // Rows of one range are almost all of one week.
    if (seconds < this.#fromS || seconds >= this.#toS) {
      const since = Math.floor((seconds - FIRST_MONDAY_S) / WEEK_S) * WEEK_S + FIRST_MONDAY_S;
      this.#fromS = Math.max(since, 0);
      this.#toS = since + WEEK_S;
      this.#id = new Date(this.#fromS * 1000).toISOString().slice(0, 10).replaceAll('-', '');
    }
    return this.#id;
  }
}
