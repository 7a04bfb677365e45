import type { Receipt } from './log.ts';

/** Adds receipts up by project, source and minute. Keys are arrays so that a store can order them. */
export class ReceiptSums {
  readonly #sums = new Map<string, Receipt>();

  add(receipts: readonly Receipt[]): void {
    for (const receipt of receipts) {
      const key = `${receipt.project}\0${receipt.source}\0${receipt.minuteMs}`;
      const sum = this.#sums.get(key);
      if (sum === undefined) this.#sums.set(key, { ...receipt });
      else sum.received += receipt.received;
    }
  }

  values(): Iterable<Receipt> {
    return this.#sums.values();
  }

  clear(): void {
    this.#sums.clear();
  }
}
