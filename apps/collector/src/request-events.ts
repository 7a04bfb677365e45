/** The events of one request, one by one: as they came, and parsed where that was needed or is asked for. */
import { isUtf8 } from 'node:buffer';
import type { PlainBody, PlainEvent } from '@tidemark/event';

export interface RequestEvents {
  readonly count: number;
  /** The event when it is plain; else, and always for a body that was parsed, undefined. */
  plain(index: number): PlainEvent | undefined;
  /** As JSON.parse gives it. */
  value(index: number): unknown;
  /** Its own bytes in the body. */
  bytes(index: number): Buffer;
  isUtf8(index: number): boolean;
}

export function plainEvents(body: Buffer, { events }: PlainBody): RequestEvents {
  const bytes = (index: number) => body.subarray(events[index]!.start, events[index]!.end);
  return {
    count: events.length,
    plain: (index) => events[index]!.plain,
    value: (index) => JSON.parse(bytes(index).toString()),
    bytes,
    isUtf8: () => true,
  };
}

/** `bytes(index)` gives an element's own; asked only for those that go to quarantine, or all when not all are UTF-8. */
export function parsedEvents(
  values: readonly unknown[],
  bytes: (index: number) => Buffer,
  allUtf8: boolean,
): RequestEvents {
  return {
    count: values.length,
    plain: () => undefined,
    value: (index) => values[index],
    bytes,
    isUtf8: (index) => allUtf8 || isUtf8(bytes(index)),
  };
}
