/** Looks for one event among the records that are durable in the log and not yet in the stores. */
import { dedupKey, PREFIX, readRow } from '@tidemark/event';
import type { StoredEvent } from '@tidemark/event';
import { forEachRecord } from '@tidemark/log';
import type { LogReader } from '@tidemark/log';

export interface PendingEvent {
  offset: number;
  event: StoredEvent;
}

/** How much of the log one look may read: it happens on the thread that answers everybody. */
const BOUNDS = { maxRecords: 50_000, maxBytes: 64 << 20 };

/** The first copy of the event at `fromOffset` or after; undefined when it is not among the first 64 MB from there. */
export function findPending(
  log: LogReader,
  partition: number,
  fromOffset: number,
  project: string,
  eventId: string,
): PendingEvent | undefined {
  const key = dedupKey(project, eventId);
  let found: PendingEvent | undefined;
  for (const batch of log.read('events', partition, fromOffset, BOUNDS)) {
    forEachRecord(batch, (offset, bytes, start, end) => {
      if (found !== undefined || offset < fromOffset) return;
      const same = bytes.compare(key, 0, key.length, start + PREFIX.key, start + PREFIX.key + key.length) === 0;
      if (same) found = { offset, event: readRow(bytes.subarray(start, end)) };
    });
    if (found !== undefined) return found;
  }
  return undefined;
}
