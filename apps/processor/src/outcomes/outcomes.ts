/**
 * How many events ended how, for each project, source and minute: the processor's side of the balance. Rows of one
 * committed range are one insert into the table `outcomes`; their sums are kept in memory.
 */
import { writeFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { literal, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { currentEpoch, type Epoch, type Topic } from '@tidemark/log';
import type { Outcome } from '../status.ts';

/** `replayed`: quarantined before, and no longer. Such a count takes from that of the quarantined. */
type Counted = Outcome | 'replayed';

export interface OutcomeCount {
  project: string;
  source: string;
  /** Of receipt; of what is replayed, that of the replay. */
  minuteMs: number;
  outcome: Counted;
  /** Reason: `conflict` of a duplicate, the fault's code of a quarantined event, and the like; '' = none. */
  code: string;
  events: number;
}

export interface RangeCounts {
  range: OffsetRange;
  counts: readonly OutcomeCount[];
}

/** Adds up outcomes of one range. */
export class OutcomeTally {
  readonly #counts = new Map<string, OutcomeCount>();

  add(project: string, source: string, receivedAtMs: number, outcome: Counted, code: string, events = 1): void {
    const minuteMs = receivedAtMs - (receivedAtMs % 60_000);
    const key = `${project}\0${source}\0${minuteMs}\0${outcome}\0${code}`;
    const count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, { project, source, minuteMs, outcome, code, events });
    else count.events += events;
  }

  get counts(): OutcomeCount[] {
    return [...this.#counts.values()];
  }
}

export class OutcomeStore {
  readonly #warehouse: Warehouse;
  readonly #temporaryFolder: string;
  readonly #epoch: Epoch;
  /** project -> outcome (or `conflict`) -> events. */
  readonly #sums = new Map<string, Map<string, number>>();
  /** project -> events of epochs before the current one, whatever became of them. */
  readonly #earlier = new Map<string, number>();

  /**
   * Loads the sums of all ranges that begin before their topic's committed offset, those of ended epochs among them, and
   * those of logs that are lost.
   */
  static async load(
    warehouse: Warehouse,
    temporaryFolder: string,
    epochs: readonly Epoch[],
    committed: Record<Topic, number>,
  ): Promise<OutcomeStore> {
    const store = new OutcomeStore(warehouse, temporaryFolder, currentEpoch(epochs));
    const { rows } = await warehouse.query<OutcomeCount & { epoch: string }>(
      `SELECT epoch, project, source, outcome, code, sum(events) AS events, 0 AS minuteMs FROM outcomes
       WHERE NOT (${uncommitted(epochs, committed)}) GROUP BY epoch, project, source, outcome, code`,
    );
    for (const row of rows) store.addToSums([row], row.epoch);
    return store;
  }

  private constructor(warehouse: Warehouse, temporaryFolder: string, epoch: Epoch) {
    this.#warehouse = warehouse;
    this.#temporaryFolder = temporaryFolder;
    this.#epoch = epoch;
  }

  /** Writes the counts of ranges that follow one another, in one insert; on a second try of those that the first left out. Not in the sums before addToSums. */
  async write(topic: Topic, ranges: readonly RangeCounts[], secondTry: boolean): Promise<void> {
    const missing = secondTry ? await this.#missing(topic, ranges) : ranges;
    const lines = missing.flatMap(({ range, counts }) =>
      counts.map((count) => JSON.stringify({ ...count, minute: count.minuteMs / 1000, rangeStart: range.from })),
    );
    const range = ranges[0]?.range;
    if (range === undefined || lines.length === 0) return;
    const file = join(this.#temporaryFolder, `outcomes-${topic}.ndjson`);
    await writeFile(file, lines.join('\n'));
    const structure = 'project String, source String, minute UInt32, outcome String, code String, events UInt64, rangeStart UInt64';
    await this.#warehouse.command(
      `INSERT INTO outcomes (project, source, minute, outcome, code, events, epoch, topic, partition, range_start)
       SELECT project, source, toDateTime(minute, 'UTC'), outcome, code, events,
         ${literal(range.epoch)}, ${literal(topic)}, ${range.partition}, rangeStart
       FROM file(${literal(file)}, 'JSONEachRow', ${literal(structure)})
       SETTINGS input_format_skip_unknown_fields = 1`,
    );
    await rm(file, { force: true });
  }

  async #missing(topic: Topic, ranges: readonly RangeCounts[]): Promise<readonly RangeCounts[]> {
    const [first, last] = [ranges[0]?.range, ranges.at(-1)?.range];
    if (first === undefined || last === undefined) return ranges;
    const { rows } = await this.#warehouse.query<{ start: number }>(
      `SELECT DISTINCT range_start AS start FROM outcomes
       WHERE epoch = ${literal(first.epoch)} AND topic = ${literal(topic)} AND partition = ${first.partition}
         AND range_start BETWEEN ${first.from} AND ${last.from}`,
    );
    const held = new Set(rows.map(({ start }) => Number(start)));
    return ranges.filter(({ range }) => !held.has(range.from));
  }

  /** To be called in the same turn in which the position advances, so that the balance is true at every instant. */
  addToSums(counts: readonly OutcomeCount[], epoch: string): void {
    for (const { project, outcome, code, events } of counts) {
      if (epoch !== this.#epoch.name) this.#earlier.set(project, (this.#earlier.get(project) ?? 0) + (outcome === 'replayed' ? -events : events));
      let sums = this.#sums.get(project);
      if (sums === undefined) this.#sums.set(project, (sums = new Map()));
      sums.set(outcome, (sums.get(outcome) ?? 0) + events);
      if (code === 'conflict') sums.set('conflict', (sums.get('conflict') ?? 0) + events);
    }
  }

  /** Events of one project, or of all, with this outcome (or `conflict`). */
  sum(outcome: Outcome | 'conflict', project?: string): number {
    const all = this.#counted(outcome, project);
    return outcome === 'quarantined' ? all - this.#counted('replayed', project) : all;
  }

  #counted(outcome: string, project: string | undefined): number {
    if (project !== undefined) return this.#sums.get(project)?.get(outcome) ?? 0;
    let all = 0;
    for (const sums of this.#sums.values()) all += sums.get(outcome) ?? 0;
    return all;
  }

  /**
   * Events of one project, or of all, whose receipt was counted in a log that is lost, or in a part of one: they became
   * something, and the log that there is now has not counted them. 0 where no log was ever lost.
   */
  receivedElsewhere(project?: string): number {
    const counted = new Map<string, number>();
    for (const { project: of, received } of this.#epoch.received) counted.set(of, (counted.get(of) ?? 0) + received);
    let all = 0;
    for (const [of, events] of this.#earlier) {
      if (project === undefined || of === project) all += Math.max(0, events - (counted.get(of) ?? 0));
    }
    return all;
  }
}

/** SQL: is a row of `outcomes` of a range of this log that is still to be committed? */
function uncommitted(epochs: readonly Epoch[], committed: Record<Topic, number>): string {
  const conditions = (['events', 'quarantine'] as const).flatMap((topic) => {
    const open = epochs.filter((_, index) => committed[topic] < (epochs[index + 1]?.from[topic] ?? Infinity));
    const names = open.map(({ name }) => literal(name));
    return [`topic = ${literal(topic)} AND epoch IN (${names.join(', ')}) AND range_start >= ${committed[topic]}`];
  });
  return conditions.map((condition) => `(${condition})`).join(' OR ');
}
