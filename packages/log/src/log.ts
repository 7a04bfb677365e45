/**
 * The log port: topics of partitions of records, each record with an offset.
 * Everything above it is written against this file; `contract.ts` holds every driver to it.
 */
import type { Epoch } from './epochs.ts';
import type { Position, Topic } from './position.ts';

/** Records of one topic and partition, written one after another as `u32 little-endian length, bytes`. */
export interface Frames {
  topic: Topic;
  partition: number;
  count: number;
  bytes: Buffer;
}

/** How many events a request brought, for the balance: added up durably with the records themselves. */
export interface Receipt {
  project: string;
  source: string;
  /** receivedAt rounded down to the minute, in epoch milliseconds. */
  minuteMs: number;
  received: number;
}

export interface LogWriter {
  /** The current epoch: random, new on creation, restore and change of driver; part of every position. */
  readonly epoch: string;
  /** All of them, oldest first. */
  readonly epochs: readonly Epoch[];
  /**
   * receivedAt for records appended in this very tick (epoch ms): the clock's time, but never less than before and
   * always more than anything in a group commit already under way. So once a record is committed, no record with a
   * smaller or equal receivedAt from a later group can follow it, and "complete up to T" can be said exactly.
   */
  stamp(): number;
  /** Bytes taken but not yet durable; the collector refuses work above a bound. */
  readonly pendingBytes: number;
  /**
   * Copies the frames before it returns, so that their memory is the caller's again.
   * Appends in call order, in one group commit with whatever else waits. Resolves when all of it is durable
   * (fsync), rejects with LogUnavailable when none of it is. Frames may be for several topics: all or nothing.
   */
  append(frames: readonly Frames[], receipts: readonly Receipt[], receivedAtMs: number): Promise<void>;
  /**
   * Drops whole batches whose records all lie before `beforeOffset` and that are older than `olderThanMs` (epoch ms).
   * The last batch always stays, so that offsets go on. Resolves to the number of records dropped.
   */
  drop(topic: Topic, partition: number, beforeOffset: number, olderThanMs: number): Promise<number>;
  close(): Promise<void>;
}

/** A run of records as they were appended together. `bytes` are frames as in Frames. */
export interface RecordBatch {
  baseOffset: number;
  /** The number of the layout that its records were written in. */
  format: number;
  count: number;
  /** Epoch ms at which the batch was appended (the greatest receivedAt in it). */
  receivedAtMs: number;
  bytes: Buffer;
}

export interface LogSnapshot {
  endOffsets: Record<Topic, number>;
  /** How many events were ever received, for each project and source, since the log began. */
  received: { project: string; source: string; received: number }[];
}

export interface ReadBounds {
  maxRecords: number;
  maxBytes: number;
  /** Offset: batches that begin before it are read whatever the bounds. */
  to?: number;
}

export interface LogReader {
  /** The epoch of the records that are appended now; older ones may have another (`epochAt`). */
  readonly epoch: string;
  /** All of them, oldest first. */
  readonly epochs: readonly Epoch[];
  /** Offset after the last record. */
  endOffset(topic: Topic, partition: number): number;
  /** First offset still held. */
  startOffset(topic: Topic, partition: number): number;
  /**
   * Whole batches from the one that holds `from` (its records before `from` are the caller's to skip) until a bound
   * is met; at least one batch if there is any. Throws LogCorrupt when a stored checksum does not hold.
   */
  read(topic: Topic, partition: number, from: number, bounds: ReadBounds): RecordBatch[];
  /** Ends and receipts of one instant, read together: what the balance is made of. */
  snapshot(partition: number): LogSnapshot;
  /** The receipts of the minutes from `fromMinuteMs` on. */
  receipts(fromMinuteMs: number): Receipt[];
  close(): Promise<void>;
}

/** Where a consumer keeps its positions. On Kafka: the committed offset and its metadata. */
export interface Positions {
  get(topic: Topic, partition: number): Position | undefined;
  /** Durable when it resolves; replaces the position of the topic and partition. */
  set(topic: Topic, partition: number, position: Position): Promise<void>;
  close(): Promise<void>;
}

export class LogUnavailable extends Error {
  readonly code = 'log_unavailable';
}
export class LogCorrupt extends Error {
  readonly code = 'log_corrupt';
}
/** What this program can't read, a newer one wrote: nothing of it may be skipped or written behind. */
export class LogFormatUnknown extends Error {
  readonly code = 'log_format_unknown';
}

/** Calls `visit` for each record of a batch, without copying. `bytes.subarray(start, end)` is the record. */
export function forEachRecord(batch: RecordBatch, visit: (offset: number, bytes: Buffer, start: number, end: number) => void): void {
  const { bytes } = batch;
  let at = 0;
  for (let index = 0; index < batch.count; index++) {
    const start = at + 4;
    const end = start + bytes.readUInt32LE(at);
    visit(batch.baseOffset + index, bytes, start, end);
    at = end;
  }
}
