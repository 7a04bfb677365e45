import { completeOptions, createDeviceClient } from '@tidemark/sdk-core';
import type { DeviceClient, MakeDurable, OtherTabs, Random } from '@tidemark/sdk-core';
import { createLocalState } from './local-state.ts';
import type { TidemarkOptions } from './options.ts';
import { findOtherTabs } from './other-tabs.ts';
import { readPageContext } from './page-context.ts';
import { createPageTransport } from './page-transport.ts';

/** Where a queue outlives the page, and how tabs take turns: what makes the durable client of the one in memory. */
export interface PageStorage {
  makeDurable: MakeDurable;
  exclusive: (run: () => Promise<void>) => Promise<void>;
  /** Where there is no BroadcastChannel. */
  otherTabs?: OtherTabs;
}

/** 64 KB for all last words of a page, some of it for headers and what is still on its way. */
const MAX_LAST_WORDS_BYTES = 60_000;

/** Drawn for some hundred ids at once: the call costs more than all the rest of an id. */
const pool = new Uint8Array(1_000);
let drawn = pool.length;
const random: Random = {
  bytes(length) {
    if (drawn + length > pool.length) {
      crypto.getRandomValues(pool);
      drawn = 0;
    }
    return pool.subarray(drawn, (drawn += length));
  },
  fraction: Math.random,
};

/** The client of a page; the same for every storage. */
export function createPageClient(options = {} as TidemarkOptions, storage?: PageStorage): DeviceClient {
  const { writeKey, host = '', path = '/api/events/batch', debug } = options;
  const prefix = statePrefix(writeKey);
  const client = createDeviceClient(
    completeOptions(options, {
      library: { name: '@tidemark/browser', version: '0.1.0' },
      flushIntervalMs: 5_000,
      maxBatchEvents: 100,
      maxBatchBytes: 250_000,
      privacySignal:
        options.respectPrivacySignal !== false &&
        !!(navigator as { globalPrivacyControl?: boolean }).globalPrivacyControl,
    }),
    {
      clock: {
        now: Date.now,
        after(ms, call) {
          const timer = setTimeout(call, ms);
          return () => clearTimeout(timer);
        },
      },
      random,
      state: createLocalState(prefix),
      otherTabs: findOtherTabs(prefix),
      ...storage,
      transport: createPageTransport(host + path),
      context: readPageContext,
      debug: debug === true ? (sentence) => console.debug(`[tidemark] ${sentence}`) : debug || undefined,
    },
  );
  const followNetwork = (): void => client.setOnline(navigator.onLine);
  followNetwork();
  // The first time costs tens of milliseconds (the zones of Intl): not within the page's own work, unless it captures at once.
  setTimeout(readPageContext, 0);
  addEventListener('online', followNetwork);
  addEventListener('offline', followNetwork);
  // Not `unload` or `beforeunload`: they keep a page out of the back/forward cache, and phones never fire them.
  addEventListener('pagehide', () => client.leave(MAX_LAST_WORDS_BYTES));
  addEventListener(
    'visibilitychange',
    () => document.hidden && client.leave(MAX_LAST_WORDS_BYTES),
  );
  return client;
}

/** Two sources on one origin don't share a device. */
export function statePrefix(writeKey: string): string {
  // A host may forget it: then nothing is captured, and nothing may throw either.
  return `tidemark.${String(writeKey).slice(-6)}.`;
}
