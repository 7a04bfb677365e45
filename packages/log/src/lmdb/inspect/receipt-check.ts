/** Receipts carry no checksums; but each source's total must be the sum of its minutes, and minutes are whole. */
import type { TableEntry } from './environment-check.ts';
import { PageFault } from './page-file.ts';

const MINUTE_MS = 60_000;

export class ReceiptCheck {
  readonly #minutes = new Map<string, number>();
  readonly #totals = new Map<string, number>();
  readonly #onReceipt: ((key: unknown, count: number) => void) | undefined;

  constructor(onReceipt?: (key: unknown, count: number) => void) {
    this.#onReceipt = onReceipt;
  }

  add({ key, value }: TableEntry): void {
    const count = countAt(value());
    const [project, source, minuteMs] = Array.isArray(key) ? (key as unknown[]) : [];
    const isTotal = Array.isArray(key) && key.length === 2;
    const isMinute = Array.isArray(key) && key.length === 3 && Number.isSafeInteger(minuteMs) && (minuteMs as number) % MINUTE_MS === 0;
    if (typeof project !== 'string' || typeof source !== 'string' || !(isTotal || isMinute)) {
      throw new PageFault(`a count stands at ${JSON.stringify(key)}, which is no minute of a source`);
    }
    const sums = isTotal ? this.#totals : this.#minutes;
    const name = `${project}/${source}`;
    sums.set(name, (sums.get(name) ?? 0) + count);
    this.#onReceipt?.(key, count);
  }

  faults(): string[] {
    const names = new Set([...this.#totals.keys(), ...this.#minutes.keys()]);
    return [...names]
      .filter((name) => this.#totals.get(name) !== this.#minutes.get(name))
      .map((name) => `of ${name} it counted ${this.#totals.get(name) ?? 0} events in all, and ${this.#minutes.get(name) ?? 0} by minutes`);
  }
}

/** A whole number in MessagePack, in any of the forms that lmdb's encoder gives one (msgpack.org, "int format family"). */
function countAt(bytes: Buffer): number {
  const [first = 0xc1] = bytes;
  const count =
    bytes.length === 1 && first < 0x80 ? first
    : bytes.length === 2 && first === 0xcc ? bytes.readUInt8(1)
    : bytes.length === 3 && first === 0xcd ? bytes.readUInt16BE(1)
    : bytes.length === 5 && first === 0xce ? bytes.readUInt32BE(1)
    : bytes.length === 5 && first === 0xca ? bytes.readFloatBE(1)
    : bytes.length === 9 && first === 0xcf ? Number(bytes.readBigUInt64BE(1))
    : bytes.length === 9 && first === 0xcb ? bytes.readDoubleBE(1)
    : Number.NaN;
  if (!Number.isSafeInteger(count) || count < 0) throw new PageFault('a count can not be read');
  return count;
}
