import { readQueuedEvent } from '@tidemark/sdk-core';
import type { Journal } from '@tidemark/sdk-core';

/**
 * The queue in localStorage, one key for each event, for pages that may not use IndexedDB. Tabs can't be told apart here:
 * each takes what lies there, so an event may be sent twice, and the server knows it by its id.
 */
export function createLocalJournal(prefix: string): Journal {
  const keys = new Map<string, string>();
  let count = 0;
  const stored = (): string[] =>
    Object.keys(localStorage)
      .filter((key) => key.startsWith(prefix))
      .sort();
  return {
    async load() {
      keys.clear();
      return stored().flatMap((key) => {
        const event = readQueuedEvent(localStorage.getItem(key)!);
        if (!event) localStorage.removeItem(key);
        if (!event || keys.has(event.eventId)) return [];
        keys.set(event.eventId, key);
        return [event];
      });
    },
    async add(event) {
      // Sorts by time, then by the order within this page.
      const key = `${prefix}${Date.now()}.${String(count++).padStart(6, '0')}`;
      localStorage.setItem(key, JSON.stringify(event));
      keys.set(event.eventId, key);
    },
    async remove(eventIds) {
      for (const id of eventIds) {
        const key = keys.get(id);
        if (key) localStorage.removeItem(key);
        keys.delete(id);
      }
    },
    async clear() {
      for (const key of stored()) localStorage.removeItem(key);
      keys.clear();
    },
  };
}
