import type { Journal, QueuedEvent } from '@tidemark/sdk-core';
import type { Tabs } from './tabs.ts';

/** One event of one tab. Its key is given by the database and grows: the order of capture over all tabs. */
interface StoredEvent extends QueuedEvent {
  tab: string;
}

const STORE = 'events';
/** In one transaction: a few milliseconds of the page's thread. */
const MAX_WRITES = 100;

/** The queues of all tabs in one IndexedDB. Each tab writes its own; what a dead one left is taken over by whoever loads first. */
export function createIndexedJournal(name: string, tabs: Tabs): Journal {
  const database = open(name);
  /** Keys of this tab's events. */
  const keys = new Map<string, IDBValidKey>();
  /** Writes of one turn share a transaction; of a burst each so many have one, for what they cost the page adds up. */
  const pending: ((store: IDBObjectStore) => void)[] = [];
  let commit: Promise<void> | undefined;

  function write(operation: (store: IDBObjectStore) => void): Promise<void> {
    pending.push(operation);
    return (commit ??= database.then((db) => {
      commit = undefined;
      return writePending(db);
    }));
  }

  async function writePending(db: IDBDatabase): Promise<void> {
    const transaction = db.transaction(STORE, 'readwrite');
    for (const each of pending.splice(0, MAX_WRITES)) each(transaction.objectStore(STORE));
    try {
      await completed(transaction);
    } finally {
      if (pending.length > 0) await writePending(db);
    }
  }

  return {
    async load() {
      const db = await database;
      const adopted: [IDBValidKey, QueuedEvent][] = [];
      for (const tab of await tabsIn(db)) {
        if (tab === tabs.id) continue;
        await tabs.ifDead(tab, async () => {
          const transaction = db.transaction(STORE, 'readwrite');
          await eachOf(transaction.objectStore(STORE).index('tab').openCursor(tab), (cursor) => {
            const { tab: _, ...event } = cursor.value as StoredEvent;
            cursor.update({ ...event, tab: tabs.id });
            adopted.push([cursor.primaryKey, event]);
          });
          await completed(transaction);
        });
      }
      for (const [key, { eventId }] of adopted) keys.set(eventId, key);
      return adopted.sort(([a], [b]) => (a as number) - (b as number)).map(([, event]) => event);
    },
    add: (event) =>
      write((store) => {
        const request = store.add({ ...event, tab: tabs.id } satisfies StoredEvent);
        request.onsuccess = () => keys.set(event.eventId, request.result);
      }),
    remove: (eventIds) =>
      write((store) => {
        // Requests are answered in order: by the answer to this one, what was added before has its key.
        store.count().onsuccess = () => {
          for (const id of eventIds) {
            const key = keys.get(id);
            if (key !== undefined) store.delete(key);
            keys.delete(id);
          }
        };
      }),
    clear: () =>
      write((store) => {
        store.clear();
        keys.clear();
      }),
  };
}

function open(name: string): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore(STORE, { autoIncrement: true }).createIndex('tab', 'tab');
    request.onsuccess = () => resolve(request.result);
    request.onerror = request.onblocked = () => reject(request.error ?? new Error('IndexedDB is blocked'));
  });
}

async function tabsIn(db: IDBDatabase): Promise<string[]> {
  const tabs: string[] = [];
  const index = db.transaction(STORE).objectStore(STORE).index('tab');
  await eachOf(index.openKeyCursor(null, 'nextunique'), (cursor) => tabs.push(cursor.key as string));
  return tabs;
}

function eachOf<C extends IDBCursor>(request: IDBRequest<C | null>, visit: (cursor: C) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    request.onerror = () => reject(request.error!);
    request.onsuccess = () => {
      const cursor = request.result;
      if (!cursor) return resolve();
      visit(cursor);
      cursor.continue();
    };
  });
}

function completed(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = transaction.onerror = () =>
      reject(transaction.error ?? new Error('the transaction was aborted'));
  });
}
