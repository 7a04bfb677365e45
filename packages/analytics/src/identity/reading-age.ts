/**
 * How long an answer stands that is too dear to read for each asker: fifty times as long as reading it took. For as long again
 * the next asker begins to read it anew and does not wait; after that, it waits. (A question in fifty that waited was the p99 of a dashboard.)
 */

/** Reading again takes at most this share of the time. */
export const MAX_SHARE = 0.02;

/** When something was read, and how long that took; both of one clock. */
export interface ReadOnce {
  atMs: number;
  tookMs: number;
}

/** `leastMs`: it stands so long at least. */
export function ageOf({ atMs, tookMs }: ReadOnce, nowMs: number, leastMs = 0): 'good' | 'due' | 'too old' {
  const goodForMs = Math.max(leastMs, tookMs / MAX_SHARE);
  return nowMs - atMs <= goodForMs ? 'good' : nowMs - atMs <= 2 * goodForMs ? 'due' : 'too old';
}
