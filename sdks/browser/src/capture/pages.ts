import type { Stop, Tracker } from './tracker.ts';
import { listen } from './tracker.ts';

/**
 * Page views: now, and at each change of the address without a load (single-page navigation). A change of query or
 * fragment alone is none.
 */
export function capturePages(client: Tracker): Stop {
  let last: string | undefined;
  const look = (): void => {
    const { origin, pathname } = location;
    if (last === (last = origin + pathname)) return;
    client.page();
  };
  // The title is mostly set after the address: the view is captured when the page has had its turn.
  const soon = (): void => void setTimeout(look, 0);
  const { pushState, replaceState } = history;
  history.pushState = function (...args) {
    pushState.apply(this, args);
    soon();
  };
  history.replaceState = function (...args) {
    replaceState.apply(this, args);
    soon();
  };
  const stop = listen(window, ['popstate', 'pageshow'], (event: PageTransitionEvent) => {
    // Back from the back/forward cache: a view, though the address is the one we knew.
    if (event.type === 'pageshow' && event.persisted) last = undefined;
    soon();
  });
  look();
  return () => {
    Object.assign(history, { pushState, replaceState });
    stop();
  };
}
