import { randomBytes } from 'node:crypto';
import { batchHead, BatchWriter } from '../batch.ts';
import { currentEpoch, firstEpoch, type Epoch } from '../epochs.ts';
import { LogUnavailable, type Frames, type LogWriter, type Receipt, type Topic } from '../log.ts';
import { ReceiptSums } from '../receipts.ts';
import { EndNoteWriter } from './end-note.ts';
import { lastBatch, openEnvironment, type BatchDb, type Environment } from './environment.ts';
import { readEpochs, writeEpochs } from './epoch-list.ts';

interface Waiting {
  resolve: () => void;
  reject: (error: LogUnavailable) => void;
}

/** What goes into the next group commit. */
class Group {
  readonly batches = new Map<string, { topic: Topic; partition: number; batch: BatchWriter }>();
  readonly receipts = new ReceiptSums();
  readonly waiting: Waiting[] = [];
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
    this.waiting.length = 0;
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
      await writeEpochs(env, epochs);
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
      if (last !== undefined) this.#stampFloorMs = Math.max(this.#stampFloorMs, batchHead(last.value).receivedAtMs + 1);
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
    await this.#env.ready();
    const db = this.#env.batches(topic, partition);
    const last = lastBatch(db);
    if (last === undefined) return 0;
    let dropped = 0;
    const removals: Promise<boolean>[] = [];
    for (const { key, value } of db.getRange({ end: Math.min(beforeOffset, last.key), limit: 10_000 })) {
      const head = batchHead(value);
      if (key + head.count > beforeOffset || head.receivedAtMs >= olderThanMs) break;
      dropped += head.count;
      removals.push(db.remove(key));
    }
    await this.#env.durable(removals);
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

  async #commitAll(): Promise<void> {
    while (this.#group.waiting.length > 0) {
      const group = this.#group;
      this.#group = this.#spare ?? new Group();
      this.#spare = undefined;
      this.#committingBytes = group.bytes;
      // Whatever is stamped from here on lands in a later group: its receivedAt must be greater.
      this.#stampFloorMs = Math.max(this.#stampFloorMs, group.receivedAtMs + 1);
      try {
        await this.#commit(group);
        for (const { resolve } of group.waiting) resolve();
        // Of a group that failed LMDB may still hold the memory.
        group.clear();
        this.#spare = group;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        const refusal = new LogUnavailable(`The log could not be written (${reason}); free disk space or check the disk, then send again.`);
        for (const { reject } of group.waiting) reject(refusal);
      }
      this.#committingBytes = 0;
    }
    this.#committing = undefined;
  }

  async #commit(group: Group): Promise<void> {
    await this.#env.ready();
    const ends: [Topic, BatchDb, number][] = [];
    const { receipts } = this.#env;
    // All puts of one turn share one transaction; the promise of any of them is that of the commit.
    const puts: Promise<boolean>[] = [];
    for (const { topic, partition, batch } of group.batches.values()) {
      if (batch.count === 0) continue;
      const db = this.#env.batches(topic, partition);
      const offset = this.#nextOffset(db);
      puts.push(db.put(offset, batch.finish(group.receivedAtMs)));
      ends.push([topic, db, offset + batch.count]);
    }
    const totals = new Map<string, [string, string, number]>();
    for (const { project, source, minuteMs, received } of group.receipts.values()) {
      const minuteKey = [project, source, minuteMs];
      puts.push(receipts.put(minuteKey, (receipts.get(minuteKey) ?? 0) + received));
      const total = totals.get(`${project}\0${source}`) ?? [project, source, 0];
      total[2] += received;
      totals.set(`${project}\0${source}`, total);
    }
    for (const [project, source, received] of totals.values()) {
      puts.push(receipts.put([project, source], (receipts.get([project, source]) ?? 0) + received));
    }
    await this.#env.durable(puts);
    for (const [topic, db, end] of ends) {
      this.#nextOffsets.set(db, end);
      this.#endNote.write(topic, end);
    }
  }

  #nextOffset(db: BatchDb): number {
    let offset = this.#nextOffsets.get(db);
    if (offset === undefined) {
      const last = lastBatch(db);
      offset = last === undefined ? 0 : last.key + batchHead(last.value).count;
      this.#nextOffsets.set(db, offset);
    }
    return offset;
  }
}
