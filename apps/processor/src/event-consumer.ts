import { readRow } from '@tidemark/event';
import { epochAt, type LogReader, type Positions, type RecordBatch } from '@tidemark/log';
import type { OffsetRange, Warehouse } from '@tidemark/warehouse';
import { deduplicate, forEachRow, type Verdict } from './dedup/deduplicate.ts';
import { markImported } from './dedup/imported.ts';
import type { SeenIds } from './dedup/seen-ids.ts';
import type { DirtyBuckets } from './outcomes/dirty-buckets.ts';
import { OutcomeTally, type OutcomeStore } from './outcomes/outcomes.ts';
import { writeQuarantine, type QuarantineRow } from './quarantine/quarantine-table.ts';
import { keptRows, rangeBounds, withRefused, type Intent } from './range/range.ts';
import type { RefusedRows } from './refused/find-refused.ts';
import { refusedToQuarantine, STORE_REFUSED } from './refused/quarantine-rows.ts';
import { findRefusals } from './refused/refusals.ts';
import { mayBeAboutRows } from './refused/store-error.ts';
import type { StartPosition } from './start-position.ts';
import { inCurrentFormat } from './range/row-format.ts';
import { receivedAtMs, RowOrigin } from './range/row-prefix.ts';
import type { LiveOutcome, Outcome } from './status.ts';
import type { Stores } from './stores.ts';

export interface EventConsumerParts {
  reader: LogReader;
  positions: Positions;
  seen: SeenIds;
  stores: Stores;
  outcomes: OutcomeStore;
  dirty: DirtyBuckets;
  warehouse: Warehouse;
  temporaryFolder: string;
  nowMs: () => number;
  version: string;
  /** Called where a test wants the process to die: between plan, apply and commit. */
  crashPoint?: (name: 'planned' | 'refused' | 'applied' | 'quarantined' | 'counted' | 'committed') => void;
}

export interface CommittedRange {
  range: OffsetRange;
  batches: RecordBatch[];
  verdicts: Verdict[];
  /** The rows with the verdict `refused`. */
  quarantined: QuarantineRow[];
}

/** How many events of a range are shown to those who watch live. */
const MAX_LIVE_EVENTS = 200;

const OUTCOME: Record<Verdict, readonly [outcome: Outcome, code: string]> = {
  keep: ['stored', ''],
  duplicate: ['duplicate', ''],
  conflict: ['duplicate', 'conflict'],
  refused: ['quarantined', STORE_REFUSED],
};

/**
 * The exactly-once effect (docs/protocol.md X1-X6): plan writes the range down, apply can be done again without
 * doing anything twice, commit advances the position; the one durable write that decides is the position's.
 */
export class EventConsumer {
  readonly partition = 0;
  readonly #parts: EventConsumerParts;
  #offset: number;
  /** A range whose first try may have got part of the way. */
  #intent: Intent | undefined;
  /** The position was found in the stores: behind it a range of unknown end may have been begun. */
  #recovered: boolean;

  /** Stores may hold something of the records before it. */
  readonly #heldUntil: number;

  constructor(parts: EventConsumerParts, start: StartPosition) {
    this.#parts = parts;
    this.#offset = start.offset;
    this.#heldUntil = start.heldUntil;
    this.#recovered = start.recovered;
    this.#intent = start.metadata === '' ? undefined : (JSON.parse(start.metadata) as Intent);
  }

  get offset(): number {
    return this.#offset;
  }

  /** True when a range was begun and not finished: it is to be finished before anything else. */
  get unfinished(): boolean {
    return this.#intent !== undefined;
  }

  /** Takes one range through; undefined when there is nothing to do. Throws when a store fails: call it again later. */
  async next(): Promise<CommittedRange | undefined> {
    const { reader, positions, outcomes, warehouse, temporaryFolder, crashPoint } = this.#parts;
    const from = this.#offset;
    const begun = this.#intent !== undefined;
    const epoch = epochAt(reader.epochs, 'events', from);
    // What was put back with a copy of the log may be in stores that lived on.
    const secondTry = begun || this.#recovered || epoch.end !== Infinity || from < this.#heldUntil;
    const read = reader.read('events', this.partition, from, rangeBounds(this.#intent));
    const last = read[read.length - 1];
    if (last === undefined) return undefined;
    // A range lies in one epoch, that its rows be found again.
    const to = Math.min(this.#intent?.to ?? last.baseOffset + last.count, epoch.end);
    const batches = read.filter(({ baseOffset }) => baseOffset < to).map(inCurrentFormat);
    const range: OffsetRange = { epoch: epoch.name, partition: this.partition, from, to };
    if (!begun) await this.#plan(this.#firstIntent(to));
    crashPoint?.('planned');

    const verdicts = await this.#apply(batches, range, secondTry);
    crashPoint?.('applied');
    const quarantined = refusedToQuarantine(batches, range, verdicts, this.#refused);
    await writeQuarantine(warehouse, temporaryFolder, 'events', quarantined, range, secondTry);
    crashPoint?.('quarantined');
    const counts = this.#count(batches, range, verdicts);
    await outcomes.write('events', [{ range, counts }], secondTry);
    crashPoint?.('counted');

    await positions.set('events', this.partition, { epoch: range.epoch, offset: to, metadata: '' });
    this.#offset = to;
    this.#intent = undefined;
    this.#recovered = false;
    outcomes.addToSums(counts, range.epoch);
    crashPoint?.('committed');
    return { range, batches, verdicts, quarantined };
  }

  /**
   * Decides on each row and writes those that are kept into the stores. Rows that a store refuses are found, written
   * into the intent, and left out of a next round, as they are by every second try.
   */
  async #apply(batches: readonly RecordBatch[], range: OffsetRange, secondTry: boolean): Promise<Verdict[]> {
    const { stores, dirty, crashPoint } = this.#parts;
    for (;;) {
      const refused = this.#refused;
      const verdicts = await this.#decide(batches, range, secondTry, refused);
      await dirty.mark(batches, range, verdicts);
      try {
        await stores.write(keptRows(batches, range, verdicts), range, secondTry, refused.size > 0);
        return verdicts;
      } catch (error) {
        if (!mayBeAboutRows(error)) throw error;
        const found = new Map([...refused, ...(await findRefusals(stores, batches, range, verdicts))]);
        const decided = await this.#decide(batches, range, true, found);
        for (const offset of found.keys()) if (decided[offset - range.from] !== 'refused') found.delete(offset);
        // No row is to blame: it will be tried again as it is.
        if (found.size === refused.size) throw error;
        await this.#plan(withRefused(this.#intent!, found));
        crashPoint?.('refused');
        secondTry = true;
      }
    }
  }

  async #decide(batches: readonly RecordBatch[], range: OffsetRange, secondTry: boolean, refused: RefusedRows): Promise<Verdict[]> {
    const verdicts = await deduplicate(batches, range, this.#parts.seen, secondTry, refused);
    await markImported(batches, range, verdicts, this.#parts);
    return verdicts;
  }

  get #refused(): RefusedRows {
    return new Map(this.#intent?.refused);
  }

  #firstIntent(to: number): Intent {
    const { nowMs, version } = this.#parts;
    return { to, decidedAtMs: nowMs(), version };
  }

  /** Durable when it resolves. */
  async #plan(intent: Intent): Promise<void> {
    const { reader, positions } = this.#parts;
    const { name } = epochAt(reader.epochs, 'events', this.#offset);
    await positions.set('events', this.partition, { epoch: name, offset: this.#offset, metadata: JSON.stringify(intent) });
    this.#intent = intent;
  }

  #count(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]) {
    const tally = new OutcomeTally();
    const origin = new RowOrigin();
    forEachRow(batches, range, (index, bytes, start) => {
      const { project, source } = origin.read(bytes, start);
      const verdict = verdicts[index]!;
      tally.add(project, source, receivedAtMs(bytes, start), ...OUTCOME[verdict]);
    });
    return tally.counts;
  }
}

/** The last events of a committed range and all that were refused, for those who watch. */
export function liveOutcomes({ range, batches, verdicts, quarantined }: CommittedRange): LiveOutcome[] {
  const live = quarantined.map(({ project, code, detail, eventId, eventName }): LiveOutcome => {
    return { project, outcome: 'quarantined', code, detail, eventId, eventName };
  });
  const first = range.to - range.from - MAX_LIVE_EVENTS;
  forEachRow(batches, range, (index, bytes, start, end) => {
    const verdict = verdicts[index]!;
    if (index < first || verdict === 'refused') return;
    const event = readRow(bytes.subarray(start, end));
    const [outcome, code] = OUTCOME[verdict];
    live.push({ project: event.project, outcome, ...(code === '' ? {} : { code }), eventId: event.eventId, eventName: event.eventName, event });
  });
  return live;
}
