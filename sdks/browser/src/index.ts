/** The client whose queue survives reload, crash and offline, shared by the tabs of a site. */
import { createStandstill, lastingClear, withJournal } from '@tidemark/sdk-core';
import type { DeviceClient, DurableQueue } from '@tidemark/sdk-core';
import { firstWorking } from './durable/first-working.ts';
import { createIndexedJournal } from './durable/indexed-journal.ts';
import { createLocalJournal } from './durable/local-journal.ts';
import { createTabs } from './durable/tabs.ts';
import { createLocalState } from './local-state.ts';
import type { TidemarkOptions } from './options.ts';
import { tellByStorage } from './other-tabs.ts';
import { createPageClient, statePrefix } from './page-client.ts';

export type { TidemarkOptions } from './options.ts';

/** Starts capturing; one client for each write key of a page. */
export function createTidemark(options = {} as TidemarkOptions): DeviceClient {
  const prefix = statePrefix(options.writeKey);
  const tabs = createTabs(prefix);
  const state = createLocalState(prefix);
  const journal = lastingClear(
    firstWorking([() => createIndexedJournal(prefix, tabs), () => createLocalJournal(`${prefix}queue.`)]),
    state,
  );
  let queue: DurableQueue | undefined;
  const client = createPageClient(options, {
    makeDurable: (...given) => (queue = withJournal(journal)(...given)),
    exclusive: tabs.exclusive,
    // Types say that every browser has it.
    ...('BroadcastChannel' in globalThis ? {} : { otherTabs: tellByStorage(prefix) }),
  });
  // A page may go to the back/forward cache, and come back from it.
  const standstill = createStandstill(client, state, queue!);
  addEventListener('pagehide', standstill.begin);
  addEventListener('pageshow', ({ persisted }) => persisted && standstill.end());
  return client;
}
