import type { Journal, State } from './ports.ts';

const MARK = 'clearing';

/**
 * A journal whose deletion holds even if the life that asked for it ends before it is done, as a page does that is left
 * the moment after a denial: a mark stays until then, and whoever loads next deletes first (SPEC P5).
 */
export function lastingClear(journal: Journal, state: State): Journal {
  const clear = async (): Promise<void> => {
    await journal.clear();
    state.set(MARK, undefined);
  };
  return {
    ...journal,
    async load() {
      if (state.get(MARK)) await clear();
      return journal.load();
    },
    clear() {
      // Without ids nothing was granted: no mark may be stored either (P1), and every start without a grant deletes.
      if (state.get('anonymousId')) state.set(MARK, '1');
      return clear();
    },
  };
}
