/**
 * Bytes that are not UTF-8, carried through parsing and translation, so that only the event they stand in is refused
 * (protocol C8) and kept with the very bytes it came with.
 */
import { randomUUID } from 'node:crypto';

/** Begins what stands for a stray byte; nobody outside can know it. Two hexadecimal digits of the byte follow. */
const MARK = `${randomUUID()}:`;
const MARKED = new RegExp(`${MARK}([0-9a-f]{2})`, 'g');
/** A mark is 40 times as long as its byte. */
const MAX_STRAY_BYTES = 20_000;

/** The text of `bytes`, with a mark for each stray one; undefined where there are more than 20,000, and so no text at all. */
export function markStrayBytes(bytes: Buffer): string | undefined {
  const parts: string[] = [];
  let from = 0;
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length > 0) at += length;
    else {
      if (parts.length >= MAX_STRAY_BYTES) return undefined;
      parts.push(bytes.toString('utf8', from, at) + MARK + bytes.toString('hex', at, at + 1));
      from = ++at;
    }
  }
  return parts.join('') + bytes.toString('utf8', from);
}

/** The bytes of a text, stray ones in place of their marks. */
export function unmarkStrayBytes(text: string): Buffer {
  if (!text.includes(MARK)) return Buffer.from(text);
  const parts: Buffer[] = [];
  let from = 0;
  for (const match of text.matchAll(MARKED)) {
    parts.push(Buffer.from(text.slice(from, match.index)), Buffer.from(match[1]!, 'hex'));
    from = match.index + match[0].length;
  }
  return Buffer.concat([...parts, Buffer.from(text.slice(from))]);
}

/** How many bytes the character at `at` takes; 0 where none begins (RFC 3629, section 4). */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at]!;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  const second = bytes[at + 1] ?? 0;
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let i = 2; i < length; i++) if ((bytes[at + i] ?? 0) >> 6 !== 0b10) return 0;
  return length;
}
