/** From acknowledged to queryable, over the last committed batches. */
export class Freshness {
  readonly #samplesMs: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#samplesMs[this.#next++ % 1024] = ms;
  }

  quantiles(): { p50Ms: number; p99Ms: number } {
    const sorted = this.#samplesMs.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}
