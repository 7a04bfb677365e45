import { PREFIX, readInt64, readRow } from '@tidemark/event';
import type { LogReader, Positions, RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { deduplicate, forEachRow, type Verdict } from './dedup/deduplicate.ts';
import type { SeenIds } from './dedup/seen-ids.ts';
import { OutcomeTally, type OutcomeStore } from './outcomes.ts';
import { keptRows, MAX_RANGE_BYTES, MAX_RANGE_RECORDS, type Intent } from './range.ts';
import type { StartPosition } from './start-position.ts';
import { receivedAtMs, RowOrigin } from './row-prefix.ts';
import type { LiveOutcome } from './status.ts';
import type { Stores } from './stores.ts';

export interface EventConsumerParts {
  reader: LogReader;
  positions: Positions;
  seen: SeenIds;
  stores: Stores;
  outcomes: OutcomeStore;
  nowMs: () => number;
  version: string;
  /** Called where a test wants the process to die: between plan, apply and commit. */
  crashPoint?: (name: 'planned' | 'applied' | 'counted' | 'committed') => void;
}

export interface CommittedRange {
  range: OffsetRange;
  batches: RecordBatch[];
  verdicts: Verdict[];
}

/** How many events of a range are shown to those who watch live. */
const MAX_LIVE_EVENTS = 200;

/**
 * The exactly-once effect (docs/protocol.md X1-X4): plan writes the range down, apply can be done again without
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

  constructor(parts: EventConsumerParts, start: StartPosition) {
    this.#parts = parts;
    this.#offset = start.offset;
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
    const { reader, positions, seen, stores, outcomes, crashPoint } = this.#parts;
    const from = this.#offset;
    const begun = this.#intent !== undefined;
    const secondTry = begun || this.#recovered;
    const batches = reader.read('events', this.partition, from, { maxRecords: MAX_RANGE_RECORDS, maxBytes: MAX_RANGE_BYTES });
    const last = batches[batches.length - 1];
    if (last === undefined) return undefined;
    const to = this.#intent?.to ?? last.baseOffset + last.count;
    const range: OffsetRange = { epoch: reader.epoch, partition: this.partition, from, to };
    if (!begun) await this.#plan(to);
    crashPoint?.('planned');

    const verdicts = await deduplicate(batches, range, seen);
    await stores.write(keptRows(batches, range, verdicts), range, secondTry);
    crashPoint?.('applied');
    const counts = this.#count(batches, range, verdicts);
    await outcomes.write('events', range, counts, secondTry);
    crashPoint?.('counted');

    await positions.set('events', this.partition, { epoch: reader.epoch, offset: to, metadata: '' });
    this.#offset = to;
    this.#intent = undefined;
    this.#recovered = false;
    outcomes.addToSums(counts);
    crashPoint?.('committed');
    return { range, batches, verdicts };
  }

  async #plan(to: number): Promise<void> {
    const { reader, positions, nowMs, version } = this.#parts;
    const intent: Intent = { to, decidedAtMs: nowMs(), version };
    await positions.set('events', this.partition, { epoch: reader.epoch, offset: this.#offset, metadata: JSON.stringify(intent) });
    this.#intent = intent;
  }

  #count(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[]) {
    const tally = new OutcomeTally();
    const origin = new RowOrigin();
    forEachRow(batches, range, (index, bytes, start) => {
      const { project, source } = origin.read(bytes, start);
      const verdict = verdicts[index]!;
      const outcome = verdict === 'keep' ? 'stored' : 'duplicate';
      tally.add(project, source, receivedAtMs(bytes, start), outcome, verdict === 'conflict' ? 'conflict' : '');
    });
    return tally.counts;
  }
}

/** The last events of a committed range, for those who watch. */
export function liveOutcomes({ range, batches, verdicts }: CommittedRange): LiveOutcome[] {
  const live: LiveOutcome[] = [];
  const first = range.to - range.from - MAX_LIVE_EVENTS;
  forEachRow(batches, range, (index, bytes, start, end) => {
    if (index < first) return;
    const event = readRow(bytes.subarray(start, end));
    const verdict = verdicts[index]!;
    const code = verdict === 'conflict' ? { code: 'conflict' } : {};
    const outcome = verdict === 'keep' ? 'stored' : 'duplicate';
    live.push({ project: event.project, outcome, ...code, eventId: event.eventId, eventName: event.eventName, event });
  });
  return live;
}

/** How many kept events of a range lie, by event time, before `watermarkMs`. */
export function countLate({ range, batches, verdicts }: CommittedRange, watermarkMs: number): number {
  let late = 0;
  forEachRow(batches, range, (index, bytes, start) => {
    if (verdicts[index] === 'keep' && readInt64(bytes, start + PREFIX.time) < watermarkMs) late++;
  });
  return late;
}

