/** Lets ranges be taken side by side, and what must have none of them at work take its turn between them. */
export class RangeGate {
  /** How many ranges are at work. */
  #atWork = 0;
  /** Settles when ranges may be begun again. */
  #held: Promise<unknown> | undefined;

  /** Runs `take` once nothing is between ranges. */
  async range<Result>(take: () => Promise<Result>): Promise<Result> {
    while (this.#held !== undefined) await this.#held;
    this.#atWork++;
    try {
      return await take();
    } finally {
      this.#atWork--;
    }
  }

  /** Runs `work` when no range is at work, and lets none begin meanwhile. One at a time. */
  async between<Result>(work: () => Promise<Result>): Promise<Result> {
    while (this.#held !== undefined) await this.#held;
    const result = (async () => {
      while (this.#atWork > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      return work();
    })();
    this.#held = result.then(
      () => (this.#held = undefined),
      () => (this.#held = undefined),
    );
    return result;
  }
}
