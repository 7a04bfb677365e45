import type { QueuedEvent } from './ports.ts';

/**
 * The JSON of a value that the host made (SPEC E3): never throws for what it holds. `undefined` when there is no JSON of
 * it even so, as when a getter throws.
 */
export function toJsonText(value: unknown): string | undefined {
  const above: unknown[] = [];
  function fit(this: unknown, _key: string, child: unknown): unknown {
    if (typeof child === 'bigint') return String(child);
    // `this` holds the child: what lies deeper than it on the way down is left behind.
    while (above.length > 0 && above[above.length - 1] !== this) above.pop();
    if (above.includes(child)) return '[circular]';
    if (typeof child === 'object' && child !== null) above.push(child);
    return child;
  }
  // Circles and bigints are rare: only what failed once is walked with care.
  for (const replacer of [undefined, fit]) {
    try {
      return JSON.stringify(value, replacer);
    } catch {
      // With care, or not at all.
    }
  }
  return undefined;
}

/** An event that a storage held as JSON; undefined for what broke off, or was never ours: a storage is other people's, too. */
export function readQueuedEvent(text: string): QueuedEvent | undefined {
  try {
    const event = JSON.parse(text) as QueuedEvent;
    return typeof event.eventId === 'string' && typeof event.text === 'string' && event.bytes > 0 ? event : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The length of a text in UTF-8, in bytes: counted, because TextEncoder is not everywhere and would copy. A pattern skips
 * what is ASCII at full speed from the first event on; a loop would crawl until the engine has compiled it.
 */
export function countBytes(text: string): number {
  let bytes = text.length;
  // Half a surrogate pair stands for 2 of the pair's 4 bytes.
  for (const unit of text.match(/[^\0-\x7f]/g) ?? [])
    bytes += unit > '\u07ff' && (unit < '\ud800' || unit > '\udfff') ? 2 : 1;
  return bytes;
}
