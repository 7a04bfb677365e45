import { epochAt, forEachRecord, type LogReader, type Positions } from '@tidemark/log';
import type { QuarantineRecord } from '@tidemark/pipeline';
import type { OffsetRange, Warehouse } from '@tidemark/warehouse';
import { OutcomeTally, type OutcomeStore } from '../outcomes/outcomes.ts';
import { writeQuarantine, type QuarantineRow } from './quarantine-table.ts';
import { QuarantineWaiting } from './quarantine-waiting.ts';
import { writeReplayed, type ReplayedRow } from '../replay/replayed-table.ts';
import type { StartPosition } from '../start-position.ts';
import type { LiveOutcome } from '../status.ts';

export interface QuarantineConsumerParts {
  reader: LogReader;
  positions: Positions;
  warehouse: Warehouse;
  temporaryFolder: string;
  outcomes: OutcomeStore;
  /** Told after each commit how many events ended how. */
  counted?: (counts: readonly { outcome: string; events: number }[]) => void;
}

const BOUNDS = { maxRecords: 20_000, maxBytes: 32 << 20 };

/**
 * Moves quarantined items from the log into their table and counts what was not kept. Every step can be done again:
 * rows by their offsets, counts by the range they stand for. A batch of the log is a range, so ranges never shift; many
 * of them are written at once, as a sender of broken events may fill one batch after another with a single item.
 */
export class QuarantineConsumer {
  readonly partition = 0;
  readonly #parts: QuarantineConsumerParts;
  #offset: number;
  #secondTry: boolean;
  readonly #heldUntil: number;
  readonly #waiting: QuarantineWaiting;

  constructor(parts: QuarantineConsumerParts, start: StartPosition) {
    this.#parts = parts;
    this.#offset = start.offset;
    this.#heldUntil = start.heldUntil;
    this.#waiting = new QuarantineWaiting(parts.reader, this.partition);
    // Ranges are short here, so the first ones after a start are always checked instead of an intent kept.
    this.#secondTry = true;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Takes what there is through; undefined when there is nothing to do. Throws when a store fails: call it again later. */
  async next(): Promise<LiveOutcome[] | undefined> {
    const { reader, positions, warehouse, temporaryFolder, outcomes } = this.#parts;
    const { name: epoch, end } = epochAt(reader.epochs, 'quarantine', this.#offset);
    const batches = reader.read('quarantine', this.partition, this.#offset, BOUNDS).filter(({ baseOffset }) => baseOffset < end);
    if (batches.length === 0) return undefined;
    const live: LiveOutcome[] = [];
    const rows: QuarantineRow[] = [];
    const replayed: ReplayedRow[] = [];
    const ranges = batches.map((batch) => {
      const tally = new OutcomeTally();
      forEachRecord(batch, (offset, bytes, start, end) => {
        const record = JSON.parse(bytes.toString('utf8', start, end)) as QuarantineRecord;
        const { project, source, receivedAtMs, code } = record;
        if (record.kind === 'replayed') {
          replayed.push({ record, offset });
          tally.add(project, source, receivedAtMs, 'replayed', code);
          // Its row in the topic events tells what became of it, where there is one.
          if (record.known) tally.add(project, source, receivedAtMs, 'duplicate', '');
          return;
        }
        if (record.kind === 'item') rows.push(itemRow(record, offset));
        const outcome = record.kind === 'item' ? 'quarantined' : record.outcome;
        tally.add(project, source, receivedAtMs, outcome, countedCode(record), record.kind === 'item' ? 1 : record.events);
        live.push(liveOutcome(record));
      });
      const to = batch.baseOffset + batch.count;
      return { range: { epoch, partition: this.partition, from: batch.baseOffset, to }, counts: tally.counts };
    });
    const all: OffsetRange = { epoch, partition: this.partition, from: ranges[0]!.range.from, to: ranges.at(-1)!.range.to };
    const secondTry = this.#secondTry || end !== Infinity || all.from < this.#heldUntil;
    this.#secondTry = true;
    await writeQuarantine(warehouse, temporaryFolder, 'quarantine', rows, all, secondTry);
    await writeReplayed(warehouse, temporaryFolder, replayed, all);
    await outcomes.write('quarantine', ranges, secondTry);
    await positions.set('quarantine', this.partition, { epoch, offset: all.to, metadata: '' });
    this.#offset = all.to;
    this.#secondTry = false;
    for (const { counts } of ranges) outcomes.addToSums(counts, epoch);
    this.#parts.counted?.(ranges.flatMap(({ counts }) => [...counts]));
    return live;
  }

  /** Epoch ms of receipt of the oldest batch that is not committed; undefined when all are. */
  waitingSinceMs(): number | undefined {
    return this.#parts.reader.read('quarantine', this.partition, this.#offset, { maxRecords: 1, maxBytes: 1 })[0]?.receivedAtMs;
  }

  /** Events between the committed offset and `until` that are received and not yet counted: one an item, many a tally. */
  pendingEvents(until: number): number {
    return this.#waiting.events(this.#offset, until);
  }

  /** Items of a project, or of all, that are to leave the quarantine by records between the committed offset and `until`. */
  leaving(until: number, project?: string): number {
    return this.#waiting.replayed(this.#offset, until, project);
  }
}

/** What tells of events that came. */
type Arrived = Exclude<QuarantineRecord, { kind: 'replayed' }>;

/** Each valve's events are counted by themselves, so that what it stopped is as exact as the balance. */
function countedCode({ code, valve }: Arrived): string {
  return valve === undefined ? code : `valve:${valve}`;
}

function itemRow(record: Arrived & { kind: 'item' }, offset: number): QuarantineRow {
  return { ...record, reasons: record.faults, offset };
}

function liveOutcome(record: Arrived): LiveOutcome {
  if (record.kind === 'tally') {
    return { project: record.project, outcome: record.outcome, code: record.code, eventId: '', eventName: '' };
  }
  const { project, code, detail, eventId, eventName } = record;
  return { project, outcome: 'quarantined', code, detail, eventId, eventName };
}
