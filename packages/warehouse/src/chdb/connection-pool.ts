import type { ClickHouseClient } from '@clickhouse/client';
import type { ChdbConnection } from 'chdb/connection';

/** A connection, and the official client that speaks through it. */
export interface Connected {
  client: ClickHouseClient;
  connection: ChdbConnection;
}

/**
 * Lends each connection to one statement at a time, first come, first served; opens them when they are first needed. There may be several
 * kinds, which differ in their settings: `size` statements run at once, of whichever kind.
 */
export class ConnectionPool<Kind extends string> {
  readonly #size: number;
  readonly #open: (kind: Kind) => Promise<Connected>;
  readonly #idle = new Map<Kind, Connected[]>();
  readonly #waiting: (() => void)[] = [];
  #busy = 0;

  constructor(size: number, open: (kind: Kind) => Promise<Connected>) {
    this.#size = size;
    this.#open = open;
  }

  async use<Result>(kind: Kind, body: (connected: Connected) => Promise<Result>): Promise<Result> {
    if (this.#busy >= this.#size) await new Promise<void>((resume) => this.#waiting.push(resume));
    else this.#busy++;
    try {
      const idle = this.#idleOf(kind);
      const connected = idle.pop() ?? (await this.#open(kind));
      try {
        const result = await body(connected);
        idle.push(connected);
        return result;
      } catch (error) {
        // A statement that fails while it runs leaves its partial output in front of the connection's next answer
        // (chDB 26.7: a bad regex, the memory limit, throwIf). It must never be read as somebody else's.
        await connected.client.close();
        throw error;
      }
    } finally {
      const next = this.#waiting.shift();
      // The place passes to the next in line, so the count of busy ones stays.
      if (next !== undefined) next();
      else this.#busy--;
    }
  }

  async close(): Promise<void> {
    for (const idle of this.#idle.values()) for (const { client } of idle.splice(0)) await client.close();
  }

  #idleOf(kind: Kind): Connected[] {
    let idle = this.#idle.get(kind);
    if (idle === undefined) this.#idle.set(kind, (idle = []));
    return idle;
  }
}
