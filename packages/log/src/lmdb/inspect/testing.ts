/** Seeded damage for tests. */

/** A copy with one bit flipped. `heads`: in the first bytes of some page of 4 KB, where its structure is. */
export function flipBit(good: Buffer, random: () => number, heads: boolean): { bytes: Buffer; at: number } {
  const bytes = Buffer.from(good);
  const page = Math.floor((random() * good.length) / 4096) * 4096;
  const at = Math.min(good.length - 1, page + Math.floor(random() * (heads ? 200 : 4096)));
  bytes[at]! ^= 1 << Math.floor(random() * 8);
  return { bytes, at };
}

/** Numbers from 0 to 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
