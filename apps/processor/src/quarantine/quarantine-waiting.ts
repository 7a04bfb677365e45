import { forEachRecord, type LogReader } from '@tidemark/log';
import type { QuarantineRecord } from '@tidemark/pipeline';

/** What the records of a stretch of the topic `quarantine` will change, once they are committed. */
interface Stretch {
  to: number;
  /** Events that are received and not counted yet. */
  events: number;
  /** Items that leave the quarantine, by project. */
  replayed: ReadonlyMap<string, number>;
}

const BOUNDS = { maxRecords: 20_000, maxBytes: 32 << 20 };
/** JSON.stringify keeps the order of keys, and every item begins so. */
const ITEM = Buffer.from('{"kind":"item"');

/**
 * What waits in the topic `quarantine`, from the committed offset `from` until an end of the topic that was read together with
 * what had been received: the collector appends meanwhile. Each record is looked at once and an item's bytes are not parsed:
 * the balance is asked for all the time, and most while much is waiting.
 */
export class QuarantineWaiting {
  readonly #reader: LogReader;
  readonly #partition: number;
  #stretches: Stretch[] = [];
  #to = 0;

  constructor(reader: LogReader, partition: number) {
    this.#reader = reader;
    this.#partition = partition;
  }

  /** Received and not counted yet. */
  events(from: number, until: number): number {
    this.#follow(from);
    return this.#before(until).reduce((sum, { events }) => sum + events, 0);
  }

  /** Items of a project, or of all, that leave the quarantine. */
  replayed(from: number, until: number, project?: string): number {
    this.#follow(from);
    let items = 0;
    for (const { replayed } of this.#before(until)) {
      for (const [of, count] of replayed) if (project === undefined || of === project) items += count;
    }
    return items;
  }

  /** What was appended together is before an end or behind it, as a whole. */
  #before(until: number): Stretch[] {
    return this.#stretches.filter(({ to }) => to <= until);
  }

  #follow(from: number): void {
    this.#stretches = this.#stretches.filter(({ to }) => to > from);
    this.#to = Math.max(this.#to, from);
    for (;;) {
      const batches = this.#reader.read('quarantine', this.#partition, this.#to, BOUNDS);
      if (batches.length === 0) return;
      for (const batch of batches) {
        let events = 0;
        const replayed = new Map<string, number>();
        forEachRecord(batch, (_, bytes, start, end) => {
          if (ITEM.compare(bytes, start, Math.min(end, start + ITEM.length)) === 0) return void events++;
          const record = JSON.parse(bytes.toString('utf8', start, end)) as QuarantineRecord;
          if (record.kind !== 'replayed') events += record.kind === 'item' ? 1 : record.events;
          else replayed.set(record.project, (replayed.get(record.project) ?? 0) + 1);
          if (record.kind === 'replayed' && record.known) events++;
        });
        this.#to = batch.baseOffset + batch.count;
        this.#stretches.push({ to: this.#to, events, replayed });
      }
    }
  }
}
