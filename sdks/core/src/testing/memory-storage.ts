import type { Journal, QueuedEvent, State } from '../ports.ts';

/** A device's storage: what a new life of the client finds again. */
export interface MemoryStorage {
  texts: Map<string, string>;
  events: Map<string, QueuedEvent>;
  state: State;
  journal: Journal;
  /** What is written fails from now on: no space, or no permission. */
  full: boolean;
  /** What is written begins and never ends, as when the process is killed in the middle of it. */
  stuck: boolean;
}

export function createMemoryStorage(): MemoryStorage {
  const storage: MemoryStorage = {
    texts: new Map(),
    events: new Map(),
    full: false,
    stuck: false,
    state: {
      get: (key) => storage.texts.get(key),
      set(key, value) {
        if (value === undefined) storage.texts.delete(key);
        else storage.texts.set(key, value);
      },
    },
    journal: {
      load: async () => [...storage.events.values()],
      async add(event) {
        if (storage.full) throw new Error('QuotaExceededError');
        if (storage.stuck) return new Promise(() => {});
        storage.events.set(event.eventId, event);
      },
      async remove(eventIds) {
        for (const id of eventIds) storage.events.delete(id);
      },
      clear: async () => storage.events.clear(),
    },
  };
  return storage;
}
