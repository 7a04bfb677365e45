/** Of which event times an answer is made: on these hangs what may still change of it, and whether it misses what has expired. */
export interface Reach {
  /** Epoch ms: events before it have no part in the answer. */
  fromMs: number;
  /** Epoch ms: the end of what is told of. What happens from here on may only have a part in what is told of before. */
  toMs: number;
  /** Until so many ms after a time events may change what is told of it: the window of a funnel. Infinity: ever after. */
  aheadMs: number;
}

export interface Reached {
  fromMs?: number;
  toMs?: number;
}

/** `reach`, and what an answer came by while it was computed: a session that goes on, a cohort with a range of its own. */
export function withReached({ fromMs, toMs, aheadMs }: Reach, reached: readonly Reached[]): Reach {
  return {
    fromMs: Math.min(fromMs, ...reached.map((each) => each.fromMs ?? Infinity)),
    toMs,
    aheadMs: Math.max(aheadMs, ...reached.map((each) => (each.toMs ?? -Infinity) - toMs)),
  };
}
