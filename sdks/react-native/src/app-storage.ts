import { readQueuedEvent } from '@tidemark/sdk-core';
import type { Journal, QueuedEvent, State } from '@tidemark/sdk-core';
import type { AsyncStorageLike } from './platform.ts';

export interface AppStorage {
  state: State;
  journal: Journal;
}

/** Everything is read once; from then on the state answers from memory and writes behind, in the order of the changes. */
export async function openAppStorage(storage: AsyncStorageLike, prefix: string): Promise<AppStorage> {
  const queuePrefix = `${prefix}queue.`;
  const found = await readAll(storage, prefix);
  const texts = new Map<string, string>();
  const left: [string, QueuedEvent][] = [];
  const unreadable: string[] = [];
  for (const [key, text] of found) {
    if (text === null) continue;
    if (!key.startsWith(queuePrefix)) texts.set(key.slice(prefix.length), text);
    else {
      const event = readQueuedEvent(text);
      if (event) left.push([key, event]);
      else unreadable.push(key);
    }
  }
  left.sort(([a], [b]) => (a < b ? -1 : 1));
  const keyOf = new Map(left.map(([key, { eventId }]) => [eventId, key]));
  let writes: Promise<void> = Promise.resolve();
  const behind = (write: () => Promise<void>): Promise<void> => {
    const written = writes.then(write);
    // One that fails must not keep the next from being tried.
    writes = written.catch(() => {});
    return written;
  };
  const remove = (keys: string[]): Promise<void> =>
    'removeMany' in storage ? storage.removeMany(keys) : storage.multiRemove(keys);
  if (unreadable.length > 0) behind(() => remove(unreadable)).catch(() => {});
  let count = 0;
  return {
    state: {
      get: (key) => texts.get(key),
      set(key, value) {
        if (value === undefined) texts.delete(key);
        else texts.set(key, value);
        behind(() =>
          value === undefined ? remove([prefix + key]) : storage.setItem(prefix + key, value),
        ).catch(() => {});
      },
    },
    journal: {
      load: async () => left.splice(0).map(([, event]) => event),
      add(event) {
        const key = `${queuePrefix}${Date.now()}.${String(count++).padStart(6, '0')}`;
        keyOf.set(event.eventId, key);
        return behind(() => storage.setItem(key, JSON.stringify(event)));
      },
      remove(eventIds) {
        const gone = eventIds.flatMap((id) => keyOf.get(id) ?? []);
        for (const id of eventIds) keyOf.delete(id);
        return behind(() => remove(gone));
      },
      clear() {
        const all = [...keyOf.values()];
        left.length = 0;
        keyOf.clear();
        return behind(() => remove(all));
      },
    },
  };
}

/** Nothing where the storage can't be read: the client then lives in memory (SPEC Q2). */
async function readAll(
  storage: AsyncStorageLike,
  prefix: string,
): Promise<readonly (readonly [string, string | null])[]> {
  try {
    const keys = (await storage.getAllKeys()).filter((key) => key.startsWith(prefix));
    if (keys.length === 0) return [];
    return 'getMany' in storage ? Object.entries(await storage.getMany(keys)) : await storage.multiGet(keys);
  } catch {
    return [];
  }
}
