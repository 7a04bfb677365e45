/** Tells whether somebody waits for an answer just now, and since when nobody has. */
export class Askers {
  #waiting = 0;
  #lastMs = -Infinity;

  async during<Result>(answer: () => Promise<Result>): Promise<Result> {
    this.#waiting++;
    try {
      return await answer();
    } finally {
      this.#waiting--;
      this.#lastMs = performance.now();
    }
  }

  /** 0 while somebody waits, Infinity when nobody ever has. */
  get unaskedMs(): number {
    return this.#waiting > 0 ? 0 : performance.now() - this.#lastMs;
  }
}
