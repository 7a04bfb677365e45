export interface Latency {
  p50Ms: number;
  p90Ms: number;
  p99Ms: number;
  maxMs: number;
}

/** Quantiles by nearest rank; all 0 of nothing. Sorts `valuesMs` in place. */
export function latencyOf(valuesMs: number[]): Latency {
  valuesMs.sort((a, b) => a - b);
  const at = (share: number): number => valuesMs[Math.min(valuesMs.length - 1, Math.ceil(valuesMs.length * share) - 1)] ?? 0;
  return { p50Ms: at(0.5), p90Ms: at(0.9), p99Ms: at(0.99), maxMs: at(1) };
}
