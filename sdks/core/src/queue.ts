import type { QueuedEvent } from './ports.ts';

export interface QueueLimits {
  maxQueueEvents: number;
  maxQueueBytes: number;
}

/** The events that wait to be sent, in order, bounded (SPEC Q1-Q3). */
export interface Queue {
  readonly length: number;
  readonly bytes: number;
  /** Whether an event of so many bytes fits as it is. */
  hasRoomFor(bytes: number): boolean;
  /** Adds the event and returns those dropped for it: the oldest, but none that `take` gave out. */
  add(event: QueuedEvent): QueuedEvent[];
  /** The next batch: at most so many events and bytes (at least one event, if there is any). It is out until `putBack`, `remove` or `clear`. */
  take(maxEvents: number, maxBytes: number): QueuedEvent[];
  putBack(): void;
  has(eventId: string): boolean;
  /** The id of the youngest. */
  last(): string | undefined;
  /** All events, in batches of at most so many events and bytes; none is out by it. */
  pieces(maxEvents: number, maxBytes: number): QueuedEvent[][];
  /** Delivered or dropped. */
  remove(events: readonly QueuedEvent[]): void;
  clear(): void;
}

export function createQueue({ maxQueueEvents, maxQueueBytes }: QueueLimits): Queue {
  /** By id, oldest first. */
  const events = new Map<string, QueuedEvent>();
  let bytes = 0;
  /** So many at the front are out. */
  let out = 0;

  const hasRoomFor = (newBytes: number): boolean => events.size < maxQueueEvents && bytes + newBytes <= maxQueueBytes;
  const leave = (event: QueuedEvent): void => {
    if (events.delete(event.eventId)) bytes -= event.bytes;
  };
  const pieces = (maxEvents: number, maxBytes: number): QueuedEvent[][] => {
    const all: QueuedEvent[][] = [];
    let piece: QueuedEvent[] = [];
    let left = 0;
    for (const event of events.values()) {
      if (piece.length % maxEvents === 0 || left < event.bytes) {
        all.push((piece = []));
        left = maxBytes;
      }
      piece.push(event);
      left -= event.bytes;
    }
    return all;
  };

  return {
    get length() {
      return events.size;
    },
    get bytes() {
      return bytes;
    },
    hasRoomFor,
    add(event) {
      const gone: QueuedEvent[] = [];
      let passed = 0;
      for (const old of events.values()) {
        if (hasRoomFor(event.bytes)) break;
        if (passed++ < out) continue;
        leave(old);
        gone.push(old);
      }
      events.set(event.eventId, event);
      bytes += event.bytes;
      return gone;
    },
    take(maxEvents, maxBytes) {
      const [batch = []] = pieces(maxEvents, maxBytes);
      out = batch.length;
      return batch;
    },
    has: (eventId) => events.has(eventId),
    last: () => [...events.keys()].pop(),
    pieces,
    putBack() {
      out = 0;
    },
    remove(gone) {
      gone.forEach(leave);
      out = 0;
    },
    clear() {
      events.clear();
      bytes = out = 0;
    },
  };
}
