import { randomBytes } from 'node:crypto';
import { BatchWriter } from '../batch.ts';
import { currentEpoch, firstEpoch, type Epoch } from '../epochs.ts';
import { LogUnavailable, type Frames, type LogWriter, type Receipt } from '../log.ts';
import type { Topic } from '../position.ts';
import { ReceiptSums } from '../receipts.ts';
import { EndNoteWriter } from './end-note.ts';
import { lastBatch, oldBatches, type BatchDb } from './batches.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { epochPuts, readEpochs } from './epoch-list.ts';

/** In one commit, which others wait for. */
const MAX_DROPPED_BATCHES = 10_000;

interface Waiting {
  resolve: () => void;
  reject: (error: LogUnavailable) => void;
}

/** What goes into the next group commit. */
class Group {
  readonly batches = new Map<string, { topic: Topic; partition: number; batch: BatchWriter }>();
  readonly receipts = new ReceiptSums();
  waiting: Waiting[] = [];
  receivedAtMs = 0;
  bytes = 0;

  add(frames: readonly Frames[], receipts: readonly Receipt[], receivedAtMs: number): void {
    for (const { topic, partition, count, bytes } of frames) {
      if (count === 0) continue;
      const name = `${topic}-${partition}`;
      let entry = this.batches.get(name);
      if (entry === undefined) this.batches.set(name, (entry = { topic, partition, batch: new BatchWriter() }));
      entry.batch.add(bytes, count);
      this.bytes += bytes.length;
    }
    this.receipts.add(receipts);
    this.receivedAtMs = Math.max(this.receivedAtMs, receivedAtMs);
  }

  clear(): void {
    for (const { batch } of this.batches.values()) batch.clear();
    this.receipts.clear();
    this.waiting = [];
    this.receivedAtMs = 0;
    this.bytes = 0;
  }
}

/** The log's one writer. A group gathers while the one before it is being synced: load makes groups larger, not slower. */
export class LmdbLogWriter implements LogWriter {
  readonly epochs: readonly Epoch[];
  readonly #env: Environment;
  readonly #nowMs: () => number;
  readonly #nextOffsets = new Map<BatchDb, number>();
  /** What is committed is told to it, and nothing that isn't. */
  readonly #endNote: EndNoteWriter;
  #group = new Group();
  /** The group before the one that is being committed: its memory is free. */
  #spare: Group | undefined;
  #committing: Promise<void> | undefined;
  #committingBytes = 0;
  #stampFloorMs = 0;
  #closed = false;

  /** Opens the log in `path`, making it with a fresh epoch when there is none. */
  static async open(path: string, nowMs: () => number = Date.now): Promise<LmdbLogWriter> {
    const env = openEnvironment(path, false);
    let epochs = readEpochs(env);
    if (epochs.length === 0) {
      epochs = [firstEpoch(randomBytes(8).toString('hex'), nowMs())];
      const first = epochs;
      await env.commit(() => epochPuts(env, first));
    }
    return new LmdbLogWriter(env, epochs, nowMs, new EndNoteWriter(path, currentEpoch(epochs).name));
  }

  private constructor(env: Environment, epochs: readonly Epoch[], nowMs: () => number, endNote: EndNoteWriter) {
    this.#env = env;
    this.#nowMs = nowMs;
    this.epochs = epochs;
    this.#endNote = endNote;
    for (const topic of ['events', 'quarantine'] as const) {
      const last = lastBatch(env.batches(topic, 0));
      if (last !== undefined) this.#stampFloorMs = Math.max(this.#stampFloorMs, last.receivedAtMs + 1);
      endNote.write(topic, this.#nextOffset(env.batches(topic, 0)));
    }
  }

  get epoch(): string {
    return currentEpoch(this.epochs).name;
  }

  /** True when only another process can write the log again (see openEnvironment). */
  get givenUp(): boolean {
    return this.#env.givenUp;
  }

  get pendingBytes(): number {
    return this.#group.bytes + this.#committingBytes;
  }

  stamp(): number {
    const nowMs = this.#nowMs();
    if (nowMs > this.#stampFloorMs) this.#stampFloorMs = nowMs;
    return this.#stampFloorMs;
  }

  append(frames: readonly Frames[], receipts: readonly Receipt[], receivedAtMs: number): Promise<void> {
    if (this.#closed) return Promise.reject(new LogUnavailable('The log is closed: the collector is shutting down.'));
    const group = this.#group;
    group.add(frames, receipts, receivedAtMs);
    const done = new Promise<void>((resolve, reject) => group.waiting.push({ resolve, reject }));
    // The first append of an idle log waits one turn, so that requests that arrived together share its sync.
    this.#committing ??= new Promise<void>((next) => setImmediate(next)).then(() => this.#commitAll());
    return done;
  }

  async drop(topic: Topic, partition: number, beforeOffset: number, olderThanMs: number): Promise<number> {
    const db = this.#env.batches(topic, partition);
    let dropped = 0;
    await this.#env.commit(() => {
      const { baseOffsets, endOffset } = oldBatches(db, { beforeOffset, olderThanMs, limit: MAX_DROPPED_BATCHES });
      dropped = endOffset - (baseOffsets[0] ?? endOffset);
      return baseOffsets.map((baseOffset) => db.remove(baseOffset));
    });
    return dropped;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#committing;
    await this.#env.close();
    this.#endNote.close();
  }

  /** Frees the slots of readers that were killed: they would pin pages for ever. To be called about once a minute. */
  checkReaders(): void {
    this.#env.root.readerCheck();
  }

  /** Each commit begins before those who waited for the one before it are told: the disk has work while their answers are written. */
  async #commitAll(): Promise<void> {
    let next = this.#begin();
    while (next !== undefined) {
      const { group, done } = next;
      const failure = await done;
      const { waiting } = group;
      // Of a group that failed LMDB may still hold the memory.
      if (failure === undefined) {
        group.clear();
        this.#spare = group;
      }
      next = this.#begin();
      for (const { resolve, reject } of waiting) {
        if (failure === undefined) resolve();
        else reject(failure);
      }
    }
    this.#committing = undefined;
  }

  /** Begins to commit what has gathered; undefined when nothing has. */
  #begin(): { group: Group; done: Promise<LogUnavailable | undefined> } | undefined {
    const group = this.#group;
    this.#committingBytes = 0;
    if (group.waiting.length === 0) return undefined;
    this.#group = this.#spare ?? new Group();
    this.#spare = undefined;
    this.#committingBytes = group.bytes;
    // Whatever is stamped from here on lands in a later group: its receivedAt must be greater.
    this.#stampFloorMs = Math.max(this.#stampFloorMs, group.receivedAtMs + 1);
    return { group, done: this.#commit(group).then(() => undefined, refusalOf) };
  }

  async #commit(group: Group): Promise<void> {
    const ends: [Topic, BatchDb, number][] = [];
    await this.#env.commit(() => {
      const puts: Promise<boolean>[] = [];
      for (const { topic, partition, batch } of group.batches.values()) {
        if (batch.count === 0) continue;
        const db = this.#env.batches(topic, partition);
        const offset = this.#nextOffset(db);
        puts.push(db.put(offset, batch.finish(group.receivedAtMs)));
        ends.push([topic, db, offset + batch.count]);
      }
      return [...puts, ...this.#putReceipts(group.receipts)];
    });
    for (const [topic, db, end] of ends) {
      this.#nextOffsets.set(db, end);
      this.#endNote.write(topic, end);
    }
  }

  #putReceipts(sums: ReceiptSums): Promise<boolean>[] {
    const { receipts } = this.#env;
    const puts: Promise<boolean>[] = [];
    const totals = new Map<string, [string, string, number]>();
    for (const { project, source, minuteMs, received } of sums.values()) {
      const minuteKey = [project, source, minuteMs];
      puts.push(receipts.put(minuteKey, (receipts.get(minuteKey) ?? 0) + received));
      const total = totals.get(`${project}\0${source}`) ?? [project, source, 0];
      total[2] += received;
      totals.set(`${project}\0${source}`, total);
    }
    for (const [project, source, received] of totals.values()) {
      puts.push(receipts.put([project, source], (receipts.get([project, source]) ?? 0) + received));
    }
    return puts;
  }

  #nextOffset(db: BatchDb): number {
    let offset = this.#nextOffsets.get(db);
    if (offset === undefined) {
      offset = lastBatch(db)?.endOffset ?? 0;
      this.#nextOffsets.set(db, offset);
    }
    return offset;
  }
}

function refusalOf(error: unknown): LogUnavailable {
  const reason = error instanceof Error ? error.message : String(error);
  return new LogUnavailable(`The log could not be written (${reason}); free disk space or check the disk, then send again.`);
}
