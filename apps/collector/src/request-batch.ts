import type { Content } from './content.ts';
import { elementBytes } from './element-bytes.ts';
import { parsedEvents, plainEvents } from './request-events.ts';
import type { RequestEvents } from './request-events.ts';

interface RequestBatch {
  /** As the client wrote it. */
  sentAt: unknown;
  events: RequestEvents;
}

/** The batch that a body holds; undefined when it holds none. One event by itself has no sentAt. */
export function batchOf(content: Content & { kind: 'plain' | 'json' }, shape: 'single' | 'batch'): RequestBatch | undefined {
  if (content.kind === 'plain') return { sentAt: content.body.sentAt, events: plainEvents(content.bytes, content.body) };
  const { value, bytes, isUtf8 } = content;
  if (shape === 'single') return { sentAt: undefined, events: parsedEvents([value], () => bytes, isUtf8) };
  if (typeof value !== 'object' || value === null || !('events' in value) || !Array.isArray(value.events)) return undefined;
  const events = value.events as unknown[];
  const sentAt = 'sentAt' in value ? value.sentAt : undefined;
  return { sentAt, events: parsedEvents(events, elementBytes(bytes, events), isUtf8) };
}
