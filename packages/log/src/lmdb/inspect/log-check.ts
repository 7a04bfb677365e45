/** Whether a log's folder still holds what was acknowledged. Reads files only: damage is told, and harms nobody. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { batchFault, batchHead, HEADER_BYTES } from '../../batch.ts';
import type { Position, Topic } from '../../position.ts';
import { readEndNote } from '../end-note.ts';
import { epochMark, MARK } from '../epoch-mark.ts';
import { checkEnvironment, lastCommit, type TableEntry } from './environment-check.ts';
import { ReceiptCheck } from './receipt-check.ts';
import { PageFault } from './page-file.ts';

export interface LogCheck {
  /** What is wrong, as sentences; empty when all is well. */
  faults: string[];
  /** Some batch was written by a newer version, and nothing else is wrong. */
  newer: boolean;
  epoch: string | undefined;
  topics: Record<Topic, TopicCheck>;
}

export interface TopicCheck {
  /** Runs of offsets [from, to) that can be read, in order. One at the most when all is well. */
  readable: [from: number, to: number][];
  /** Bytes of batches whose checksums were looked at. */
  checkedBytes: number;
}

export interface LogCheckOptions {
  /** Checksums of batches that end at or before these are not looked at: every store has them. Absent: all are. */
  from?: Partial<Record<Topic, number>>;
  /** Called for each batch whose checksum holds, in order of the offsets of its topic. Its bytes hold until the call returns. */
  onBatch?: (topic: Topic, baseOffset: number, bytes: Buffer) => void;
  /** Called for each receipt, as it stands. */
  onReceipt?: (key: unknown, count: number) => void;
}

const NEWER = 'was written by a newer Tidemark';
/** Of the table `meta`. */
const KEYS: ReadonlySet<string> = new Set(['epoch', 'epochs', MARK, 'copied']);
const TOPIC_OF: Record<string, Topic | undefined> = { 'events-0': 'events', 'quarantine-0': 'quarantine' };

/** `folder`: the log's. Undefined when there is no log yet. */
export function checkLog(folder: string, options: LogCheckOptions = {}): LogCheck | undefined {
  const dataFile = join(folder, 'data.mdb');
  if (!existsSync(dataFile)) return undefined;
  const topics: LogCheck['topics'] = { events: { readable: [], checkedBytes: 0 }, quarantine: { readable: [], checkedBytes: 0 } };
  const meta = new Map<unknown, string>();
  const receipts = new ReceiptCheck(options.onReceipt);
  const faults = checkEnvironment(dataFile, (table, entry) => {
    const topic = TOPIC_OF[table];
    if (topic === undefined && table !== 'receipts' && !KEYS.has(String(entry.key))) throw new PageFault(`there is no ${String(entry.key)}`);
    if (topic !== undefined) checkBatch(topic, entry, topics[topic], options);
    else if (table === 'receipts') receipts.add(entry);
    else meta.set(entry.key, entry.value().toString());
  });
  const epoch = meta.get('epoch');
  if (faults.length === 0) {
    faults.push(...receipts.faults());
    faults.push(...gaps(topics));
    if (epoch === undefined && endOf(topics.events) + endOf(topics.quarantine) > 0) faults.push('it does not say its epoch');
    else if (meta.has(MARK) && meta.get(MARK) !== epochMark(epoch ?? '', meta.get('epochs') ?? '')) faults.push('its epochs were changed');
    faults.push(...behindNote(folder, epoch, topics));
  }
  return { faults, newer: faults.length > 0 && faults.every((fault) => fault.endsWith(NEWER)), epoch, topics };
}

/**
 * The same of a log that a writer may have open. Its pages may be used again while they are read, so a fault counts
 * only when nothing was committed meanwhile; undefined when three looks were all disturbed.
 */
export function checkLogBeingWritten(folder: string, options: LogCheckOptions = {}): LogCheck | undefined {
  const dataFile = join(folder, 'data.mdb');
  for (let look = 0; look < 3; look++) {
    const before = lastCommit(dataFile);
    const check = checkLog(folder, options);
    if (check === undefined || check.faults.length === 0 || lastCommit(dataFile) === before) return check;
  }
  return undefined;
}

/** Where the topic ends; 0 when it is empty. */
export function endOf({ readable }: TopicCheck): number {
  return readable.at(-1)?.[1] ?? 0;
}

/** What is dropped from the front of a log has been consumed: else it is missing. */
export function missingInFront(topic: Topic, position: Position | undefined, check: LogCheck): string | undefined {
  const start = check.topics[topic].readable[0]?.[0] ?? 0;
  if (position === undefined || position.epoch !== check.epoch || position.offset >= start) return undefined;
  return `its ${topic} from ${position.offset} to ${start} are missing, and no store has them`;
}

function checkBatch(topic: Topic, { key, size, value }: TableEntry, check: TopicCheck, { from, onBatch }: LogCheckOptions): void {
  if (!Number.isSafeInteger(key) || (key as number) < 0 || size < HEADER_BYTES) throw new PageFault(`a batch stands at ${JSON.stringify(key)}, in ${size} bytes`);
  const base = key as number;
  const { count } = batchHead(value(HEADER_BYTES));
  const last = check.readable.at(-1);
  if (count === 0 || (last !== undefined && base < last[1])) throw new PageFault(`the batch at offset ${base} has ${count} records, and the one before ends at ${last?.[1] ?? 0}`);
  if (base + count > (from?.[topic] ?? 0)) {
    const bytes = value();
    const fault = batchFault(bytes);
    check.checkedBytes += bytes.length;
    if (fault !== undefined) throw new PageFault(`the batch at offset ${base}, of ${count} records, ${fault === 'format' ? NEWER : 'fails its checksum'}`);
    onBatch?.(topic, base, bytes);
  }
  if (last !== undefined && last[1] === base) last[1] = base + count;
  else check.readable.push([base, base + count]);
}

/** Offsets are given without gaps, and what is dropped is dropped from the front. */
function gaps(topics: LogCheck['topics']): string[] {
  return Object.entries(topics).flatMap(([topic, { readable }]) =>
    readable.slice(1).map(([from], index) => `its ${topic} from ${readable[index]![1]} to ${from} are missing`),
  );
}

function behindNote(folder: string, epoch: string | undefined, topics: LogCheck['topics']): string[] {
  const note = readEndNote(folder);
  if (note === undefined || note.epoch !== epoch) return [];
  return (['events', 'quarantine'] as const)
    .filter((topic) => note.ends[topic] > endOf(topics[topic]))
    .map((topic) => `its ${topic} from ${endOf(topics[topic])} to ${note.ends[topic]} were acknowledged, and are missing`);
}
