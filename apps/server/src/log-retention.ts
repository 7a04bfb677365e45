import { checkPositions, continueFrom, LogCorrupt, type LogWriter, type Topic } from '@tidemark/log';

/** A record stays this long after every store has it, so that a store found broken can be mended from the log. */
export const LOG_RETENTION_MS = 3_600_000;

/** The log drops a bounded number of batches a call. So many calls keep up with 16,000 commits a second, and yet end. */
const MAX_CALLS = 100;
const TOPICS = ['events', 'quarantine'] as const;

/** Records before `offset` were in every store at `atMs` of the steady clock. */
interface Note {
  offset: number;
  atMs: number;
}

/**
 * Drops the records that every store has synced, longer ago than the retention. That is told by a clock which only goes
 * steadily: by the clock of the machine, a jump forward would drop at once what is kept for mending, and a jump back (or
 * one forward that was corrected) would keep everything until the disk is full. What was before a start is noted anew, so
 * for an hour after it nothing is dropped.
 */
export class LogRetention {
  readonly #log: Pick<LogWriter, 'epochs' | 'drop'>;
  readonly #positionsPath: string;
  readonly #steadyMs: () => number;
  readonly #notes: Record<Topic, Note[]> = { events: [], quarantine: [] };

  /** `steadyMs`: milliseconds since any moment, by a clock that nobody sets. */
  constructor(log: Pick<LogWriter, 'epochs' | 'drop'>, positionsPath: string, steadyMs: () => number = () => performance.now()) {
    this.#log = log;
    this.#positionsPath = positionsPath;
    this.#steadyMs = steadyMs;
  }

  /** Resolves to how many records were dropped. To be called each minute; what one round leaves, the next one takes. */
  async dropConsumed(): Promise<number> {
    // Read without LMDB: a damaged file must not end the process that takes events.
    const { faults, positions } = checkPositions(this.#positionsPath);
    if (faults.length > 0) throw new LogCorrupt(`The positions in ${this.#positionsPath} are damaged (${faults[0]}); they are found again at the next start.`);
    let dropped = 0;
    for (const topic of TOPICS) {
      const position = positions[topic];
      const done = position === undefined ? undefined : continueFrom(this.#log.epochs, topic, position);
      const before = this.#longDone(topic, done);
      for (let calls = 0; before > 0 && calls < MAX_CALLS; calls++) {
        const records = await this.#log.drop(topic, 0, before, Infinity);
        if (records === 0) break;
        dropped += records;
      }
    }
    return dropped;
  }

  /** The offset before which every record has been in the stores for the retention, 0 when none has. Notes `done`. */
  #longDone(topic: Topic, done: number | undefined): number {
    const notes = this.#notes[topic];
    // A position that is gone or fell back makes what was noted untrue.
    if (done === undefined || done < (notes.at(-1)?.offset ?? 0)) notes.length = 0;
    const nowMs = this.#steadyMs();
    if (done !== undefined && done > (notes.at(-1)?.offset ?? 0)) notes.push({ offset: done, atMs: nowMs });
    let long = 0;
    while (notes.length > 0 && notes[0]!.atMs <= nowMs - LOG_RETENTION_MS) long = notes.shift()!.offset;
    // It stays known when a round could not drop all of it.
    if (long > 0) notes.unshift({ offset: long, atMs: -Infinity });
    return long;
  }
}
