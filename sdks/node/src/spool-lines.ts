/** The lines of a spool's file: one for each change. */
import { readFile } from 'node:fs/promises';
import type { QueuedEvent } from '@tidemark/sdk-core';

export const addLine = (event: QueuedEvent): string => `${JSON.stringify({ add: event })}\n`;

/** None for no ids. */
export const removeLine = (eventIds: readonly string[]): string =>
  eventIds.length > 0 ? `${JSON.stringify({ remove: eventIds })}\n` : '';

/** What waits by all lines together, in the order of its capture; none where the file can't be read. */
export async function readSpooled(path: string): Promise<QueuedEvent[]> {
  const events = new Map<string, QueuedEvent>();
  for (const line of (await readFile(path, 'utf8').catch(() => '')).split('\n')) {
    let change: { add?: QueuedEvent; remove?: string[] };
    try {
      change = JSON.parse(line) as typeof change;
    } catch {
      // It broke off, by a kill or a full disk; what was appended behind it is whole.
      continue;
    }
    if (change.add) events.set(change.add.eventId, change.add);
    for (const id of change.remove ?? []) events.delete(id);
  }
  return [...events.values()];
}
