import type { Freshness } from '../ports.ts';

/** How far an answer is complete; RFC 3339, as in `meta` of every answer. */
export interface Completeness {
  /** Every event acknowledged with receivedAt <= asOf is in. */
  asOf: string;
  /** The watermark: event times before it are complete. */
  completeThrough: string;
  /** From here late events may still change the answer; null = nowhere. */
  provisionalFrom: string | null;
}

/**
 * Of an answer about [fromMs, toMs) of event time (epoch ms; absent = no bound). To be asked before the first statement: what has
 * become visible since may be in the answer, never the other way round.
 */
export function completenessOf(freshness: Freshness, { fromMs = -Infinity, toMs = Infinity }: { fromMs?: number; toMs?: number }): Completeness {
  const { asOfMs, watermarkMs } = freshness.status();
  return { asOf: iso(asOfMs), completeThrough: iso(watermarkMs), provisionalFrom: watermarkMs < toMs ? iso(Math.max(fromMs, watermarkMs)) : null };
}

function iso(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
