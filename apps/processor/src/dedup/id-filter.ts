/**
 * Which ids were surely not seen: blocked Bloom filters over 128-bit keys, one more of twice the size whenever the
 * last is full, so that it starts small and never needs to be rebuilt. An id costs 2 bytes and one cache line a filter.
 *
 * Putze, Sanders, Singler: Cache-, Hash- and Space-Efficient Bloom Filters, 2007. 16 bits an id and 8 probes in a block
 * of 512 bits give about 0.1 % false positives; each costs one looked-up key, never a wrong answer.
 */
const WORDS_A_BLOCK = 16;
const BITS_AN_ID = 16;
const FIRST_CAPACITY = 1 << 21;

interface Generation {
  words: Uint32Array;
  blocks: number;
  capacity: number;
  size: number;
}

export class IdFilter {
  readonly #generations: Generation[];

  /** `expectedIds`: so many are about to be added, and find one filter large enough for half as many more. */
  constructor(expectedIds = 0) {
    this.#generations = [generation(Math.max(FIRST_CAPACITY, Math.ceil(expectedIds * 1.5)))];
  }

  get size(): number {
    return this.#generations.reduce((sum, { size }) => sum + size, 0);
  }

  get memoryBytes(): number {
    return this.#generations.reduce((sum, { words }) => sum + words.byteLength, 0);
  }

  /** True when the 16-byte key at `at` may have been added; false means it surely was not. */
  has(bytes: Buffer, at: number): boolean {
    const a = bytes.readUInt32LE(at);
    const b = bytes.readUInt32LE(at + 4);
    const c = bytes.readUInt32LE(at + 8);
    const d = bytes.readUInt32LE(at + 12);
    for (const filter of this.#generations) if (has(filter, a, b, c, d)) return true;
    return false;
  }

  add(bytes: Buffer, at: number): void {
    add(this.#last(), bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8), bytes.readUInt32LE(at + 12));
  }

  #last(): Generation {
    let last = this.#generations[this.#generations.length - 1]!;
    if (last.size >= last.capacity) this.#generations.push((last = generation(last.capacity * 2)));
    return last;
  }
}

function generation(capacity: number): Generation {
  const blocks = Math.ceil((capacity * BITS_AN_ID) / (WORDS_A_BLOCK * 32));
  return { words: new Uint32Array(blocks * WORDS_A_BLOCK), blocks, capacity, size: 0 };
}

/** Keys are MD5, so their words are as good as independent hashes: one picks the block, nine bits each pick a bit. */
function block(filter: Generation, a: number): number {
  return Math.floor((a / 0x1_0000_0000) * filter.blocks) * WORDS_A_BLOCK;
}

function has(filter: Generation, a: number, b: number, c: number, d: number): boolean {
  const { words } = filter;
  const at = block(filter, a);
  return (
    bit(words, at, b) && bit(words, at, b >>> 9) && bit(words, at, b >>> 18) &&
    bit(words, at, c) && bit(words, at, c >>> 9) && bit(words, at, c >>> 18) &&
    bit(words, at, d) && bit(words, at, d >>> 9)
  );
}

function bit(words: Uint32Array, at: number, hash: number): boolean {
  return (words[at + ((hash >>> 5) & 15)]! & (1 << (hash & 31))) !== 0;
}

function add(filter: Generation, a: number, b: number, c: number, d: number): void {
  const { words } = filter;
  const at = block(filter, a);
  set(words, at, b);
  set(words, at, b >>> 9);
  set(words, at, b >>> 18);
  set(words, at, c);
  set(words, at, c >>> 9);
  set(words, at, c >>> 18);
  set(words, at, d);
  set(words, at, d >>> 9);
  filter.size++;
}

function set(words: Uint32Array, at: number, hash: number): void {
  words[at + ((hash >>> 5) & 15)]! |= 1 << (hash & 31);
}
