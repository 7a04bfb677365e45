import type { State } from '@tidemark/sdk-core';

/**
 * Small texts in localStorage, where the page may use it; else in memory, for as long as the page lives. Each is read and
 * written once in a turn of the page's script, however many events it captures: the storage costs more than all else that
 * a call does, and what other tabs write comes between turns only.
 */
export function createLocalState(prefix: string): State {
  /** As this turn has it; what could not be written stays. */
  const known = new Map<string, string | undefined>();
  const unwritten = new Set<string>();
  let end: Promise<void> | undefined;
  const endTurn = (): void => {
    end = undefined;
    for (const [key, value] of known) {
      try {
        if (unwritten.has(key)) {
          if (value === undefined) localStorage.removeItem(prefix + key);
          else localStorage.setItem(prefix + key, value);
        }
        unwritten.delete(key);
        known.delete(key);
      } catch {
        // Forbidden, or full.
      }
    }
  };
  const know = (key: string, value: string | undefined): void => {
    known.set(key, value);
    end ??= Promise.resolve().then(endTurn);
  };
  return {
    get(key) {
      try {
        if (!known.has(key)) know(key, localStorage.getItem(prefix + key) ?? undefined);
      } catch {
        // Forbidden.
      }
      return known.get(key);
    },
    set(key, value) {
      unwritten.add(key);
      know(key, value);
    },
  };
}
