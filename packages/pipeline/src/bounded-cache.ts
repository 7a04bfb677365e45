export const MAX_KEY_LENGTH = 512;

/**
 * Remembers what was computed for a text, for the texts asked for lately. Two generations instead of a chain of
 * recency: a hit costs one Map look-up, and between `maxEntries / 2` and `maxEntries` are held at any time. What is computed
 * for a text longer than MAX_KEY_LENGTH is not remembered: a client may call 32 KB an address.
 */
export class BoundedCache<Value> {
  readonly #compute: (key: string) => Value;
  readonly #perGeneration: number;
  #young = new Map<string, Value>();
  #old = new Map<string, Value>();

  constructor(maxEntries: number, compute: (key: string) => Value) {
    this.#perGeneration = Math.max(1, maxEntries >> 1);
    this.#compute = compute;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(text: string): Value {
    const known = this.#young.get(text);
    if (known !== undefined) return known;
    if (text.length > MAX_KEY_LENGTH) return this.#compute(text);
    const key = ownCopy(text);
    const value = this.#old.get(key) ?? this.#compute(key);
    if (this.#young.size >= this.#perGeneration) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}

/** V8 keeps a piece cut from a text as a view of it; kept here, it would keep a whole request body in memory. */
function ownCopy(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string;
}
