import type { Freshness } from '../ports.ts';

/** How far an answer is complete; RFC 3339, as in `meta` of every answer. */
export interface Completeness {
  /** Every event acknowledged with receivedAt <= asOf is in. */
  asOf: string;
  /** The watermark: event times before it are complete. */
  completeThrough: string;
  /** From here on what is told may still change, by events that are late or yet to come; null = nowhere. */
  provisionalFrom: string | null;
}

/**
 * Of an answer about [fromMs, toMs) of event time (epoch ms; absent = no bound), of which what is told of a time hangs on events up to
 * `aheadMs` after it. `status`: of before the first statement; what has become visible since may be in the answer, never the other way round.
 */
export function completenessOf(
  { asOfMs, watermarkMs }: ReturnType<Freshness['status']>,
  { fromMs = -Infinity, toMs = Infinity, aheadMs = 0 }: { fromMs?: number | undefined; toMs?: number | undefined; aheadMs?: number },
): Completeness {
  const settledMs = watermarkMs - aheadMs;
  return { asOf: iso(asOfMs), completeThrough: iso(watermarkMs), provisionalFrom: settledMs < toMs ? iso(Math.max(fromMs, settledMs)) : null };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
