import { BatchWriter, decodeBatch } from './batch.ts';
import { firstEpoch, type Epoch } from './epochs.ts';
import { LogUnavailable, type Frames, type LogReader, type LogSnapshot, type LogWriter, type ReadBounds, type Receipt, type RecordBatch } from './log.ts';
import type { Topic } from './position.ts';
import { ReceiptSums } from './receipts.ts';

/** Frames of one topic and partition on their way into one batch. */
interface Chunk {
  topic: Topic;
  partition: number;
  batch: BatchWriter;
}

/** The appends of one group commit, and whom to tell of its end. */
interface Group {
  chunks: Map<string, Chunk>;
  receipts: Receipt[];
  waiting: { resolve: () => void; reject: (error: LogUnavailable) => void }[];
  receivedAtMs: number;
  bytes: number;
}

interface HeldBatch {
  baseOffset: number;
  count: number;
  receivedAtMs: number;
  bytes: Buffer;
}

/**
 * A log in memory, true to the contract but for durability: writer and reader in one, for tests of what is built
 * on a log. It can stand still (`stall`, `resume`) and fail (`failing`) as a disk does.
 */
export class MemoryLog implements LogWriter, LogReader {
  readonly epoch: string;
  readonly epochs: readonly Epoch[];
  /** While set, every group commit fails with this reason. */
  failing: string | undefined;
  readonly #nowMs: () => number;
  readonly #batches = new Map<string, HeldBatch[]>();
  readonly #receipts = new ReceiptSums();
  #group = emptyGroup();
  #committing: Promise<void> | undefined;
  #committingBytes = 0;
  #stampFloorMs = 0;
  #stalled: Promise<void> | undefined;
  #unstall: (() => void) | undefined;
  #closed = false;

  constructor(options: { nowMs?: () => number; epoch?: string } = {}) {
    this.#nowMs = options.nowMs ?? Date.now;
    this.epoch = options.epoch ?? 'memory';
    this.epochs = [firstEpoch(this.epoch, 0)];
  }

  get pendingBytes(): number {
    return this.#group.bytes + this.#committingBytes;
  }

  stamp(): number {
    this.#stampFloorMs = Math.max(this.#stampFloorMs, this.#nowMs());
    return this.#stampFloorMs;
  }

  append(frames: readonly Frames[], receipts: readonly Receipt[], receivedAtMs: number): Promise<void> {
    if (this.#closed) return Promise.reject(new LogUnavailable('The log is closed.'));
    const group = this.#group;
    for (const { topic, partition, count, bytes } of frames) {
      if (count === 0) continue;
      const name = nameOf(topic, partition);
      let chunk = group.chunks.get(name);
      if (chunk === undefined) group.chunks.set(name, (chunk = { topic, partition, batch: new BatchWriter() }));
      chunk.batch.add(bytes, count);
      group.bytes += bytes.length;
    }
    group.receipts.push(...receipts);
    group.receivedAtMs = Math.max(group.receivedAtMs, receivedAtMs);
    const done = new Promise<void>((resolve, reject) => group.waiting.push({ resolve, reject }));
    this.#committing ??= new Promise<void>((next) => setImmediate(next)).then(() => this.#commitAll());
    return done;
  }

  /** Nothing commits from now on, until `resume()`. */
  stall(): void {
    this.#stalled ??= new Promise((resolve) => (this.#unstall = resolve));
  }

  resume(): void {
    this.#unstall?.();
    this.#stalled = undefined;
    this.#unstall = undefined;
  }

  async drop(topic: Topic, partition: number, beforeOffset: number, olderThanMs: number): Promise<number> {
    const held = this.#held(topic, partition);
    let dropped = 0;
    while (held.length > 1) {
      const { baseOffset, count, receivedAtMs } = held[0] as HeldBatch;
      if (baseOffset + count > beforeOffset || receivedAtMs >= olderThanMs) break;
      held.shift();
      dropped += count;
    }
    return dropped;
  }

  endOffset(topic: Topic, partition: number): number {
    const last = this.#held(topic, partition).at(-1);
    return last === undefined ? 0 : last.baseOffset + last.count;
  }

  startOffset(topic: Topic, partition: number): number {
    return this.#held(topic, partition)[0]?.baseOffset ?? 0;
  }

  read(topic: Topic, partition: number, from: number, { maxRecords, maxBytes, to = from }: ReadBounds): RecordBatch[] {
    const found: RecordBatch[] = [];
    let records = 0;
    let size = 0;
    for (const { baseOffset, count, bytes } of this.#held(topic, partition)) {
      if (baseOffset + count <= from) continue;
      if (found.length === 0 && baseOffset > from) {
        throw new LogUnavailable(
          `Offset ${from} of ${nameOf(topic, partition)} is no longer in the log, which begins at ${baseOffset}.`,
        );
      }
      if (found.length > 0 && baseOffset >= to && (records + count > maxRecords || size + bytes.length > maxBytes)) break;
      found.push(decodeBatch(bytes, baseOffset, nameOf(topic, partition)));
      records += count;
      size += bytes.length;
    }
    return found;
  }

  snapshot(partition: number): LogSnapshot {
    const totals = new Map<string, { project: string; source: string; received: number }>();
    for (const { project, source, received } of this.#receipts.values()) {
      const total = totals.get(`${project}\0${source}`) ?? { project, source, received: 0 };
      total.received += received;
      totals.set(`${project}\0${source}`, total);
    }
    const endOffsets = {
      events: this.endOffset('events', partition),
      quarantine: this.endOffset('quarantine', partition),
    };
    return { endOffsets, received: [...totals.values()] };
  }

  receipts(fromMinuteMs: number): Receipt[] {
    return [...this.#receipts.values()]
      .filter(({ minuteMs }) => minuteMs >= fromMinuteMs)
      .map((receipt) => ({ ...receipt }));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.resume();
    await this.#committing;
  }

  async #commitAll(): Promise<void> {
    while (this.#group.waiting.length > 0) {
      const group = this.#group;
      this.#group = emptyGroup();
      this.#committingBytes = group.bytes;
      // Whatever is stamped from here on lands in a later group: its receivedAt must be greater.
      this.#stampFloorMs = Math.max(this.#stampFloorMs, group.receivedAtMs + 1);
      await this.#stalled;
      if (this.failing === undefined) {
        for (const chunk of group.chunks.values()) this.#commit(chunk, group.receivedAtMs);
        this.#receipts.add(group.receipts);
        for (const { resolve } of group.waiting) resolve();
      } else {
        const refusal = new LogUnavailable(`The log could not be written (${this.failing}).`);
        for (const { reject } of group.waiting) reject(refusal);
      }
      this.#committingBytes = 0;
    }
    this.#committing = undefined;
  }

  #commit({ topic, partition, batch }: Chunk, receivedAtMs: number): void {
    const baseOffset = this.endOffset(topic, partition);
    this.#held(topic, partition).push({
      baseOffset,
      count: batch.count,
      receivedAtMs,
      bytes: batch.finish(receivedAtMs),
    });
  }

  #held(topic: Topic, partition: number): HeldBatch[] {
    const name = nameOf(topic, partition);
    let held = this.#batches.get(name);
    if (held === undefined) this.#batches.set(name, (held = []));
    return held;
  }
}

function nameOf(topic: Topic, partition: number): string {
  return `${topic}-${partition}`;
}

function emptyGroup(): Group {
  return { chunks: new Map(), receipts: [], waiting: [], receivedAtMs: 0, bytes: 0 };
}
