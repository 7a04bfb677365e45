import { FLAG, readRow, type StoredEvent } from '@tidemark/event';
import type { RecordBatch } from '@tidemark/log';
import type { OffsetRange } from '@tidemark/warehouse';
import { forEachRow, type Verdict } from '../dedup/deduplicate.ts';
import type { QuarantineRow } from '../quarantine/quarantine-table.ts';
import { receivedAtMs, RowOrigin } from '../range/row-prefix.ts';
import type { RefusedRows } from './find-refused.ts';

export const STORE_REFUSED = 'store_refused';

/** The refused rows of a range as quarantined events. */
export function refusedToQuarantine(batches: readonly RecordBatch[], range: OffsetRange, verdicts: readonly Verdict[], refused: RefusedRows): QuarantineRow[] {
  const rows: QuarantineRow[] = [];
  const origin = new RowOrigin();
  if (refused.size === 0) return rows;
  forEachRow(batches, range, (index, bytes, start, end) => {
    if (verdicts[index] !== 'refused') return;
    const offset = range.from + index;
    const detail = refused.get(offset) || 'A store refused the row, as it did many of the same range.';
    const reasons = [{ field: '', code: STORE_REFUSED, detail }];
    const facts = { ...origin.read(bytes, start), offset, receivedAtMs: receivedAtMs(bytes, start), code: STORE_REFUSED, detail, reasons };
    rows.push({ ...facts, ...original(bytes.subarray(start, end)) });
  });
  return rows;
}

function original(row: Buffer): Pick<QuarantineRow, 'eventId' | 'eventName' | 'original' | 'encoding'> {
  try {
    const event = readRow(row);
    return { eventId: event.eventId, eventName: event.eventName, original: eventText(event), encoding: 'utf8' };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The row itself is broken: its bytes are all there is to keep.
    return { eventId: '', eventName: '', original: row.toString('base64'), encoding: 'base64' };
  }
}

/**
 * An event as JSON text in the shape that senders use, with `timestamp` corrected and beside it `originalTimestamp` and
 * `receivedAt`, so that it can be mended and sent again. Properties, context and traits keep their very text; one that
 * is no JSON becomes a string.
 */
function eventText(event: StoredEvent): string {
  const head: Record<string, unknown> = { eventId: event.eventId, eventName: event.eventName, type: event.type };
  for (const name of ['userId', 'anonymousId', 'sessionId', 'groupId', 'previousId', 'schemaVersion'] as const) {
    if (event[name] !== '') head[name] = event[name];
  }
  if ((event.flags & FLAG.sequenceGiven) !== 0) head['sequence'] = event.sequence;
  head['timestamp'] = iso(event.timeMs);
  head['originalTimestamp'] = iso(event.originalTimeMs);
  head['receivedAt'] = iso(event.receivedAtMs);
  const documents = (['properties', 'context', 'traits'] as const).filter((name) => name !== 'traits' || event.traits !== '{}');
  return `${JSON.stringify(head).slice(0, -1)}${documents.map((name) => `,"${name}":${jsonText(event[name])}`).join('')}}`;
}

function jsonText(text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}

/** A time may be what the store refused. */
function iso(epochMs: number): string | number {
  const date = new Date(epochMs);
  return Number.isNaN(date.getTime()) ? epochMs : date.toISOString();
}
