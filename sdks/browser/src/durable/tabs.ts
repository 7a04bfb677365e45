/** Tabs of one origin that share a device: who is alive, and whose turn it is. By Web Locks, which end with their tab. */

export interface Tabs {
  /** This life of the tab: one that comes back from the back/forward cache begins another, as a page that is loaded does. */
  readonly id: string;
  /** Runs `adopt` for a tab of the past, and not if it lives: then it keeps what it has. */
  ifDead(tab: string, adopt: () => Promise<void>): Promise<void>;
  /** Runs while no other tab does. */
  exclusive(run: () => Promise<void>): Promise<void>;
}

/** `name` is the device's. Without Web Locks every other tab counts as dead: events may go twice, the server knows them by their ids. */
export function createTabs(name: string): Tabs {
  const locks = navigator.locks as LockManager | undefined;
  const lockOf = (tab: string): string => `${name}tab.${tab}`;
  let id: string;
  let end: () => void;
  let ended: Promise<void>;
  const live = (): void => {
    id = `${Date.now()}-${Math.random()}`;
    ended = new Promise((resolve) => (end = resolve));
    // Held until the tab ends, however it ends.
    void locks?.request(lockOf(id), () => ended).catch(() => {});
  };
  live();
  // Who holds a lock that somebody asks for is thrown out of the back/forward cache (Chromium: `weblocks-contention`).
  addEventListener('pagehide', () => end());
  addEventListener('pageshow', ({ persisted }) => persisted && live());
  return {
    get id() {
      return id;
    },
    async ifDead(tab, adopt) {
      if (locks) await locks.request(lockOf(tab), { ifAvailable: true }, (lock) => lock && adopt());
      else await adopt();
    },
    async exclusive(run) {
      let started: Promise<void> | undefined;
      try {
        await locks?.request(`${name}send`, () => Promise.race([(started = run()), ended]));
      } catch {
        // A page without an origin (a sandboxed frame) may not lock; it shares nothing either.
      }
      await (started ?? run());
    },
  };
}
