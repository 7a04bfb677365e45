import { listen } from './tracker.ts';
import type { Stop, Tracker } from './tracker.ts';

/** As web analytics knows them; a site names its own. */
const PARAMETERS = ['q', 's', 'search', 'query', 'keyword'];

/** Site search (`search`): what was searched for, read from the address of the page of results. */
export function captureSearch(
  client: Tracker,
  { parameters = PARAMETERS }: { parameters?: readonly string[] } = {},
): Stop {
  let last = '';
  const look = (): void => {
    const query = new URLSearchParams(location.search);
    const found = parameters.map((name) => query.get(name)?.trim()).find(Boolean);
    const key = found ? `${location.pathname} ${found}` : '';
    if (key && key !== last) client.track('search', { query: found!.slice(0, 200) });
    last = key;
  };
  look();
  const soon = (): void => void setTimeout(look, 0);
  // Every way to another address of a page that stays: after a click or a key, and when the browser goes back.
  return listen(window, ['popstate', 'click', 'keyup'], soon);
}
