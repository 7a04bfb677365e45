import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { batchHead, decodeBatch } from '../batch.ts';
import { currentEpoch, type Epoch } from '../epochs.ts';
import { LogUnavailable, type LogReader, type LogSnapshot, type ReadBounds, type Receipt, type RecordBatch } from '../log.ts';
import type { Topic } from '../position.ts';
import { LastBatches } from './batches.ts';
import { openEnvironment, type Environment } from './environment.ts';
import { readEpochs } from './epoch-list.ts';

/** Reads the log from another process than the writer's. Each call sees all that was durable when it began. */
export class LmdbLogReader implements LogReader {
  readonly epochs: readonly Epoch[];
  readonly #env: Environment;
  readonly #path: string;
  readonly #last = new LastBatches();

  /** Opens the log in `path`; undefined while its writer has not made it yet. */
  static open(path: string): LmdbLogReader | undefined {
    if (!existsSync(join(path, 'data.mdb'))) return undefined;
    let env: Environment;
    try {
      env = openEnvironment(path, true);
    } catch {
      return undefined;
    }
    const epochs = readEpochs(env);
    if (epochs.length === 0) {
      void env.close();
      return undefined;
    }
    return new LmdbLogReader(env, epochs, path);
  }

  private constructor(env: Environment, epochs: readonly Epoch[], path: string) {
    this.#env = env;
    this.epochs = epochs;
    this.#path = path;
  }

  get epoch(): string {
    return currentEpoch(this.epochs).name;
  }

  endOffset(topic: Topic, partition: number): number {
    this.#env.root.resetReadTxn();
    return this.#end(topic, partition);
  }

  startOffset(topic: Topic, partition: number): number {
    const db = this.#fresh(topic, partition);
    if (db === undefined) return 0;
    for (const key of db.getKeys({ limit: 1 })) return key;
    return 0;
  }

  read(topic: Topic, partition: number, from: number, { maxRecords, maxBytes, to = from }: ReadBounds): RecordBatch[] {
    const db = this.#fresh(topic, partition);
    if (db === undefined) return [];
    // The batch that holds `from` is the last one whose base is not after it.
    let start = from;
    for (const key of db.getKeys({ start: from, reverse: true, limit: 1 })) start = key;
    const batches: RecordBatch[] = [];
    let records = 0;
    let bytes = 0;
    for (const { key, value } of db.getRange({ start })) {
      const { count } = batchHead(value);
      if (key + count <= from) continue;
      if (batches.length > 0 && key >= to && (records + count > maxRecords || bytes + value.length > maxBytes)) break;
      batches.push(decodeBatch(value, key, `${topic}-${partition} in ${this.#path}`));
      records += count;
      bytes += value.length;
    }
    const first = batches[0];
    if (first !== undefined && first.baseOffset > from) {
      throw new LogUnavailable(`Offset ${from} of ${topic}-${partition} is no longer in the log, which begins at ${first.baseOffset}.`);
    }
    return batches;
  }

  snapshot(partition: number): LogSnapshot {
    this.#env.root.resetReadTxn();
    const received: LogSnapshot['received'] = [];
    for (const { project, source, minuteMs, received: count } of this.#receipts()) {
      if (minuteMs === undefined) received.push({ project, source, received: count });
    }
    const endOffsets = { events: this.#end('events', partition), quarantine: this.#end('quarantine', partition) };
    return { endOffsets, received };
  }

  receipts(fromMinuteMs: number): Receipt[] {
    this.#env.root.resetReadTxn();
    const found: Receipt[] = [];
    for (const { project, source, minuteMs, received } of this.#receipts()) {
      if (minuteMs !== undefined && minuteMs >= fromMinuteMs) found.push({ project, source, minuteMs, received });
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#env.close();
  }

  *#receipts(): Generator<{ project: string; source: string; minuteMs: number | undefined; received: number }> {
    for (const { key, value } of this.#env.receipts.getRange({})) {
      const [project, source, minuteMs] = key as [string, string, number | undefined];
      yield { project, source, minuteMs, received: value };
    }
  }

  /** Within the read transaction that is open: one turn sees one instant. */
  #end(topic: Topic, partition: number): number {
    const db = this.#env.batches(topic, partition);
    return (db && this.#last.of(db))?.endOffset ?? 0;
  }

  /** A table seen as of now; undefined while its writer has not made it. */
  #fresh(topic: Topic, partition: number) {
    this.#env.root.resetReadTxn();
    const db = this.#env.batches(topic, partition);
    return db === undefined || db.getRange === undefined ? undefined : db;
  }
}
