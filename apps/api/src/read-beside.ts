/**
 * What is too dear for a page that asks every two seconds to wait for: the first asker of a project waits for it, and so does
 * the first one after a silence; all others are told what was read last, while it is read again beside them.
 */
import { ageOf, type ReadOnce } from '@tidemark/analytics';

const GOOD_FOR_MS = 60_000;

interface Kept<T> extends ReadOnce {
  value?: T;
  reading: Promise<T> | undefined;
}

/** `read` for a project; `clock` in epoch ms; read again after `goodForMs` at the earliest. A reading that fails leaves what was known; where nothing is, who waits for it is told. */
export function readBeside<T>(read: (project: string) => Promise<T>, clock: () => number, goodForMs = GOOD_FOR_MS): (project: string) => Promise<T> {
  const known = new Map<string, Kept<T>>();

  function begin(project: string, kept: Kept<T>): Promise<T> {
    const startedMs = clock();
    kept.reading = read(project).then(
      (value) => {
        Object.assign(kept, { value, atMs: clock(), tookMs: clock() - startedMs, reading: undefined });
        return value;
      },
      (error: unknown) => {
        Object.assign(kept, { atMs: clock(), tookMs: clock() - startedMs, reading: undefined });
        if (!('value' in kept)) known.delete(project);
        throw error;
      },
    );
    return kept.reading;
  }

  return (project) => {
    let kept = known.get(project);
    if (kept === undefined) known.set(project, (kept = { atMs: clock(), tookMs: 0, reading: undefined }));
    if (!('value' in kept)) return kept.reading ?? begin(project, kept);
    const age = ageOf(kept, clock(), goodForMs);
    if (age === 'good') return Promise.resolve(kept.value as T);
    const reading = kept.reading ?? begin(project, kept);
    const last = kept.value as T;
    const read = reading.catch(() => last);
    return age === 'too old' ? read : Promise.resolve(last);
  };
}
