/** Ids, write keys and API tokens: how they are made, and how a token is kept so that the file alone opens nothing. */
import { createHash } from 'node:crypto';

/** Gives that many random bytes; `crypto.randomBytes` in earnest, a seeded generator in tests. */
export type RandomBytes = (size: number) => Uint8Array;

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';

/** 25 characters starting with `c`: the cuid shape, which every known client takes as a write key. 124 bits. */
export function newWriteKey(random: RandomBytes): string {
  return `c${letters(24, random)}`;
}

/** `tm_` and 40 characters, 206 bits. The prefix lets secret scanners and people recognise it. */
export function newApiToken(random: RandomBytes): string {
  return `tm_${letters(40, random)}`;
}

/** 12 characters, the first of them the given letter, so that an id is never mistaken for a number. 56 bits. */
export function newId(letter: string, random: RandomBytes): string {
  return letter + letters(11, random);
}

/** A token has more than 128 bits of its own, so a plain fast hash suffices: there is no dictionary to try. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** What may be shown of a token later on: never more than a quarter of it. */
export function tokenPrefix(token: string): string {
  return token.slice(0, Math.min(8, Math.floor(token.length / 4)));
}

/** Draws evenly: bytes past the last whole multiple of 36 are thrown away, for they would favour the first letters. */
function letters(count: number, random: RandomBytes): string {
  const fair = 256 - (256 % ALPHABET.length);
  let text = '';
  while (text.length < count) {
    for (const byte of random(count)) {
      if (byte < fair && text.length < count) text += ALPHABET[byte % ALPHABET.length];
    }
  }
  return text;
}
