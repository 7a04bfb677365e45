import type { OtherTabs } from '@tidemark/sdk-core';

/** The site's other tabs, for what is chosen in one and holds in all; undefined where a page may not speak to them. */
export function findOtherTabs(name: string): OtherTabs | undefined {
  try {
    const channel = new BroadcastChannel(name);
    return {
      tell: (...choice) => channel.postMessage(choice),
      hear: (listener) => void (channel.onmessage = ({ data }) => listener(...(data as Parameters<typeof listener>))),
    };
  } catch {
    // Not from here.
  }
  return undefined;
}

/** Where there is no BroadcastChannel (Safari before 15.4): by the event that a change of storage is to all tabs but its own. */
export function tellByStorage(name: string): OtherTabs {
  const key = `${name}choice`;
  return {
    tell(...choice) {
      localStorage.setItem(key, JSON.stringify(choice));
      // It is heard all the same, and a denial leaves nothing behind.
      localStorage.removeItem(key);
    },
    hear(listener) {
      addEventListener('storage', (event) => {
        if (event.key !== key || !event.newValue) return;
        try {
          listener(...(JSON.parse(event.newValue) as Parameters<typeof listener>));
        } catch {
          // Not written by us.
        }
      });
    },
  };
}
