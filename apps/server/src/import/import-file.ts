/**
 * One import: rows -> events -> batches -> answers, in order. The position moves on only when every row before it is
 * answered, so a stop anywhere loses nothing; ids follow from the file, so sending again changes nothing.
 */
import { sendBatch } from '../client/batches.ts';
import type { BatchAnswer, BatchTarget } from '../client/batches.ts';
import { RowFault, toEvent } from './mapping.ts';
import type { Event, Mapping } from './mapping.ts';
import { readRows } from './rows.ts';
import type { Format, SourceRow } from './rows.ts';
import type { SourceFile } from './source-file.ts';

export interface Tally {
  accepted: number;
  refused: number;
  /** Up to ten of the refused, to show. */
  examples: { row: number; code: string; detail: string }[];
}

export interface ImportOptions {
  file: SourceFile;
  format: Format;
  mapping: Mapping;
  target: BatchTarget;
  /** Go on behind this row. */
  afterRow: number;
  tally: Tally;
  /** Bytes of the file that were read; called often. */
  onBytes(count: number): void;
  /** Every row up to `row` is answered for. */
  onProgress(row: number): void;
}

interface Batch {
  events: Event[];
  /** Row numbers of the events. */
  rows: number[];
  faults: { row: number; detail: string }[];
  lastRow: number;
}

/** Both under the limits of the batch route (5,000 events, 4 MB), and small enough to answer within a second. */
const MAX_BATCH_EVENTS = 1_000;
const MAX_BATCH_BYTES = 1 << 20;
/** One batch on the wire while the other is being synced. */
const BATCHES_IN_FLIGHT = 2;
const MAX_EXAMPLES = 10;

/** @throws what the sender throws; `tally` then holds what was answered before. */
export async function importFile(options: ImportOptions): Promise<Tally> {
  const { file, format, target, tally, onBytes, onProgress } = options;
  const inFlight: { batch: Batch; answer: Promise<BatchAnswer> }[] = [];
  const settleOldest = async (): Promise<void> => {
    const oldest = inFlight.shift();
    if (!oldest) return;
    addAnswer(tally, oldest.batch, await oldest.answer);
    onProgress(oldest.batch.lastRow);
  };
  const source = file.read(onBytes);
  try {
    for await (const batch of batches(readRows(source, format), options)) {
      target.signal.throwIfAborted();
      const answer =
        batch.events.length === 0 ? Promise.resolve({ accepted: 0, rejected: [] }) : sendBatch(batch.events, target);
      // It is awaited in its turn; until then its failure is not unheard.
      answer.catch(() => {});
      inFlight.push({ batch, answer });
      if (inFlight.length >= BATCHES_IN_FLIGHT) await settleOldest();
    }
    while (inFlight.length > 0) await settleOldest();
  } finally {
    source.destroy();
  }
  return tally;
}

async function* batches(rows: AsyncIterable<SourceRow>, options: ImportOptions): AsyncGenerator<Batch> {
  let batch: Batch = { events: [], rows: [], faults: [], lastRow: 0 };
  let bytes = 0;
  for await (const source of rows) {
    if (source.number <= options.afterRow) continue;
    batch.lastRow = source.number;
    const event = eventOf(source, options);
    if (typeof event === 'string') {
      batch.faults.push({ row: source.number, detail: event });
    } else {
      batch.events.push(event);
      batch.rows.push(source.number);
      bytes += JSON.stringify(event).length;
    }
    if (batch.events.length + batch.faults.length >= MAX_BATCH_EVENTS || bytes >= MAX_BATCH_BYTES) {
      yield batch;
      batch = { events: [], rows: [], faults: [], lastRow: 0 };
      bytes = 0;
    }
  }
  if (batch.lastRow > 0) yield batch;
}

/** The event of a row, or why there is none. */
function eventOf(source: SourceRow, { file, mapping }: ImportOptions): Event | string {
  if ('fault' in source) return source.fault;
  try {
    const event = toEvent(source.row, mapping);
    event['eventId'] ??= event['messageId'] ?? rowId(file.sha256, source.number);
    return event;
  } catch (error) {
    if (error instanceof RowFault) return error.message;
    throw error;
  }
}

/** 128 bits of the file's hash, and the row: the same file imported again brings the same ids. */
function rowId(sha256: string, row: number): string {
  return `${sha256.slice(0, 32)}-${row}`;
}

function addAnswer(tally: Tally, batch: Batch, answer: BatchAnswer): void {
  tally.accepted += answer.accepted;
  tally.refused += answer.rejected.length + batch.faults.length;
  const rejected = answer.rejected.map(({ index, code, detail }) => ({
    row: batch.rows[index] ?? batch.lastRow,
    code,
    detail,
  }));
  const faults = batch.faults.map(({ row, detail }) => ({ row, code: 'row_unreadable', detail }));
  const room = MAX_EXAMPLES - tally.examples.length;
  if (room > 0) tally.examples.push(...[...rejected, ...faults].sort((a, b) => a.row - b.row).slice(0, room));
}
