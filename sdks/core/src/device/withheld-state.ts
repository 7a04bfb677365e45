import type { State } from '../ports.ts';

/** A state that touches its storage only once it may: until then it lives in memory (SPEC P1). */
export interface WithheldState extends State {
  /** Writes what is known to the storage, and everything from now on. */
  release(): void;
  /** Forgets everything and touches the storage no more; what lies there is removed, unless a tab `elsewhere` has done so. */
  erase(elsewhere?: string): void;
}

/** `keys` are all that are ever used: what `erase` has to remove. */
export function createWithheldState(stored: State, keys: readonly string[], released: boolean): WithheldState {
  const memory = new Map<string, string | undefined>();
  return {
    // What another tab forgot, as by a reset, must not come back from this one's memory.
    get: (key) => (released ? stored : memory).get(key),
    set(key, value) {
      (released ? stored : memory).set(key, value);
    },
    release() {
      released = true;
      // Ids of an earlier grant that storage still holds are older and stay.
      for (const [key, value] of memory) if (!stored.get(key)) stored.set(key, value);
    },
    erase(elsewhere) {
      released = false;
      memory.clear();
      // By now there may be what came after a new grant.
      if (!elsewhere) keys.forEach((key) => stored.set(key, undefined));
    },
  };
}
