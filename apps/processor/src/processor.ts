import type { Lake } from '@tidemark/lake';
import type { LogReader, Positions, Topic } from '@tidemark/log';
import type { Warehouse } from '@tidemark/warehouse';
import { balanceOf } from './outcomes/balance.ts';
import { SeenIds } from './dedup/seen-ids.ts';
import { DirtyBuckets } from './outcomes/dirty-buckets.ts';
import { EventConsumer, liveOutcomes, type CommittedRange, type EventConsumerParts } from './event-consumer.ts';
import { Freshness } from './outcomes/freshness.ts';
import { Lateness } from './outcomes/lateness.ts';
import { OutcomeStore } from './outcomes/outcomes.ts';
import { QuarantineConsumer } from './quarantine/quarantine-consumer.ts';
import type { Balance, LatenessCounts, LiveOutcome, PipelineStatus, ProcessorView } from './status.ts';
import { RangeGate } from './range/range-gate.ts';
import { RangeLoop } from './range/range-loop.ts';
import { startPosition, type StartPosition } from './start-position.ts';
import { Stores, type WriteObserver } from './stores.ts';

export interface ProcessorParts {
  reader: LogReader;
  positions: Positions;
  warehouse: Warehouse;
  lake: Lake;
  temporaryFolder: string;
  nowMs: () => number;
  version: string;
  /** How long a small range waits for more records. Bounds both freshness and how many small parts are made. */
  lingerMs?: number;
  allowedLatenessMs?: number;
  observer?: ProcessorObserver;
  crashPoint?: EventConsumerParts['crashPoint'];
}

/** Where the processor tells what it did: metrics and the journal. */
export interface ProcessorObserver {
  committed(range: { events: number; stored: number; quarantined: number; duplicate: number; conflict: number; late: number; seconds: number; freshnessMs: number }): void;
  /** Events of the topic `quarantine` that are committed: `quarantined`, `filtered` or `rejected`. */
  setAside?(counts: readonly { outcome: string; events: number }[]): void;
  wrote: WriteObserver;
  /** A range failed and will be tried again. */
  failed(topic: 'events' | 'quarantine', error: unknown): void;
}

const QUARANTINE_IDLE_MS = 100;
/** A range of this many records goes at once; a smaller one waits `lingerMs` for company. */
const FULL_RANGE_RECORDS = 20_000;

const SILENT: ProcessorObserver = { committed: () => {}, wrote: () => {}, failed: () => {} };

/** Takes the log's records into the stores, one range after another, until it is stopped. */
export class Processor implements ProcessorView {
  readonly #parts: ProcessorParts;
  readonly #observer: ProcessorObserver;
  readonly #events: EventConsumer;
  readonly #quarantine: QuarantineConsumer;
  readonly #outcomes: OutcomeStore;
  readonly #seen: SeenIds;
  /** Which rollups are not, or will not be, what the events make. */
  readonly dirty: DirtyBuckets;
  readonly #stores: Stores;
  readonly #freshness = new Freshness();
  readonly #lateness = new Lateness();
  readonly #listeners = new Set<(outcomes: LiveOutcome[]) => void>();
  #committedReceivedAtMs = 0;
  readonly #loops: Record<Topic, RangeLoop>;
  /** performance.now() of when records were first seen that no range has taken. */
  #waitingSince: number | undefined;
  readonly #gate = new RangeGate();

  static async open(parts: ProcessorParts): Promise<Processor> {
    const { reader, warehouse, lake, temporaryFolder } = parts;
    const observer = parts.observer ?? SILENT;
    const seen = await SeenIds.load(warehouse, temporaryFolder, parts.nowMs());
    const stores = await Stores.open(warehouse, lake, temporaryFolder, observer.wrote);
    const start = {
      events: await startPosition('events', parts),
      quarantine: await startPosition('quarantine', parts),
    };
    const committed = { events: start.events.offset, quarantine: start.quarantine.offset };
    const outcomes = await OutcomeStore.load(warehouse, temporaryFolder, reader.epochs, committed);
    return new Processor(parts, observer, seen, stores, outcomes, await DirtyBuckets.open(warehouse), start);
  }

  private constructor(parts: ProcessorParts, observer: ProcessorObserver, seen: SeenIds, stores: Stores, outcomes: OutcomeStore, dirty: DirtyBuckets, start: Record<Topic, StartPosition>) {
    const { reader, positions, warehouse, temporaryFolder, nowMs, version, crashPoint } = parts;
    this.#parts = parts;
    this.#observer = observer;
    this.#seen = seen;
    this.#stores = stores;
    this.#outcomes = outcomes;
    this.dirty = dirty;
    const crash = crashPoint === undefined ? {} : { crashPoint };
    this.#events = new EventConsumer({ reader, positions, seen, stores, outcomes, dirty, warehouse, temporaryFolder, nowMs, version, ...crash }, start.events);
    this.#quarantine = new QuarantineConsumer({ reader, positions, warehouse, temporaryFolder, outcomes, counted: (counts) => observer.setAside?.(counts) }, start.quarantine);
    this.#loops = {
      events: new RangeLoop({ next: () => this.#nextEvents(), failed: (error) => observer.failed('events', error) }),
      quarantine: new RangeLoop({ next: () => this.#nextQuarantine(), idleMs: QUARANTINE_IDLE_MS, failed: (error) => observer.failed('quarantine', error) }),
    };
  }

  start(): void {
    for (const loop of Object.values(this.#loops)) loop.start();
  }

  /** Finishes the range in hand and stops; the rest stays in the log. */
  async stop(): Promise<void> {
    await Promise.all(Object.values(this.#loops).map((loop) => loop.stop()));
    await this.#stores.close();
  }

  /** The weeks of event_ids that began before `day` (`20261118`) are gone. */
  forgetIdsBefore(day: string): void {
    this.#seen.forgetBefore(day);
  }

  /** The table event_ids was given ids that it had lost. To be called between two ranges. */
  async relearnIds(): Promise<void> {
    await this.#seen.reload(this.#parts.nowMs());
  }

  status(): PipelineStatus {
    const { reader, nowMs, allowedLatenessMs = 2 * 3_600_000 } = this.#parts;
    const readAtMs = nowMs();
    const endOffset = reader.endOffset('events', 0);
    const committedOffset = this.#events.offset;
    const lag = endOffset - committedOffset;
    const oldest = lag === 0 ? undefined : reader.read('events', 0, committedOffset, { maxRecords: 1, maxBytes: 1 })[0];
    // receivedAt grows from group to group (LogWriter.stamp), so the last committed one is a line nothing comes behind.
    // With nothing waiting the line is the clock, less a second in which a request may be between its stamp and its ack.
    const asOfMs = lag === 0 ? Math.max(this.#committedReceivedAtMs, readAtMs - 1_000) : this.#committedReceivedAtMs;
    return {
      epoch: reader.epoch,
      partition: 0,
      committedOffset,
      endOffset,
      lag,
      lagMs: oldest === undefined ? 0 : Math.max(0, readAtMs - oldest.receivedAtMs),
      asOfMs,
      quarantineWaitingSinceMs: this.#quarantine.waitingSinceMs(),
      watermarkMs: asOfMs - allowedLatenessMs,
      freshness: this.#freshness.quantiles(),
      dedup: { ids: this.#seen.size, windowStartMs: this.#seen.windowStartMs, memoryBytes: this.#seen.memoryBytes },
    };
  }

  lateness(): ReadonlyMap<string, LatenessCounts> {
    return this.#lateness.counts;
  }

  /** Numbers that grow when something was written that says who is who, or when events were. */
  identityChanges(): { claims: number; links: number; traits: number; events: number; epochs: readonly string[] } {
    const { identity_claims: claims, identity_links: links, trait_changes: traits } = this.#stores.derivedWrites;
    return { claims, links, traits, events: this.#events.offset, epochs: this.#parts.reader.epochs.map(({ name }) => name) };
  }

  async balance(project?: string): Promise<Balance> {
    const { endOffsets, received } = this.#parts.reader.snapshot(0);
    const waiting = endOffsets.events - this.#events.offset + this.#quarantine.pendingEvents(endOffsets.quarantine);
    return balanceOf({ received, outcomes: this.#outcomes, waiting, leaving: this.#quarantine.leaving(endOffsets.quarantine, project) }, project);
  }

  caughtUp(timeoutMs: number): Promise<boolean> {
    const target = this.#parts.reader.endOffset('events', 0);
    return this.#loops.events.until(() => this.#events.offset >= target, timeoutMs);
  }

  quarantineCaughtUp(timeoutMs: number): Promise<boolean> {
    const target = this.#parts.reader.endOffset('quarantine', 0);
    return this.#loops.quarantine.until(() => this.#quarantine.offset >= target, timeoutMs);
  }

  /**
   * Runs `work` between two ranges: no store is written to meanwhile, and all of them hold the same records but for a
   * range that failed and is to be tried again, of which the positions tell. One at a time.
   */
  between<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#gate.between(work);
  }

  subscribe(listener: (outcomes: LiveOutcome[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Takes the next range of events once it is due. */
  async #nextEvents(): Promise<boolean> {
    const { reader, lingerMs = 400 } = this.#parts;
    const lag = reader.endOffset('events', 0) - this.#events.offset;
    const startedAt = performance.now();
    this.#waitingSince = lag === 0 ? undefined : (this.#waitingSince ?? startedAt);
    const isDue = this.#events.unfinished || lag >= FULL_RANGE_RECORDS || (this.#waitingSince !== undefined && startedAt - this.#waitingSince >= lingerMs);
    if (!isDue) return false;
    const committed = await this.#gate.range(() => this.#events.next());
    if (committed !== undefined) this.#tell(committed, performance.now() - startedAt);
    this.#waitingSince = undefined;
    return true;
  }

  async #nextQuarantine(): Promise<boolean> {
    const live = await this.#gate.range(() => this.#quarantine.next());
    if (live === undefined) return false;
    this.#publish(live);
    return true;
  }

  #tell(committed: CommittedRange, elapsedMs: number): void {
    const nowMs = this.#parts.nowMs();
    const watermarkMs = this.#committedReceivedAtMs - (this.#parts.allowedLatenessMs ?? 2 * 3_600_000);
    let freshnessMs = 0;
    for (const batch of committed.batches) {
      freshnessMs = Math.max(0, nowMs - batch.receivedAtMs);
      this.#freshness.add(freshnessMs);
      this.#committedReceivedAtMs = Math.max(this.#committedReceivedAtMs, batch.receivedAtMs);
    }
    let [stored, conflict] = [0, 0];
    for (const verdict of committed.verdicts) {
      if (verdict === 'keep') stored++;
      else if (verdict === 'conflict') conflict++;
    }
    const events = committed.verdicts.length;
    const quarantined = committed.quarantined.length;
    const late = this.#lateness.add(committed, watermarkMs);
    this.#observer.committed({ events, stored, quarantined, duplicate: events - stored - quarantined, conflict, late, seconds: elapsedMs / 1000, freshnessMs });
    if (this.#listeners.size > 0) this.#publish(liveOutcomes(committed));
  }

  #publish(outcomes: LiveOutcome[]): void {
    for (const listener of this.#listeners) listener(outcomes);
  }
}
