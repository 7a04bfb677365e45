import type { Random } from './ports.ts';

/** Of each byte: a number's `toString(16)` costs more than all the rest of an id. */
const HEX = Array.from({ length: 256 }, (_, byte) => (byte + 256).toString(16).slice(1));

/** A UUIDv7 (RFC 9562, 5.7): 48 bits of `nowMs`, then 74 random bits. */
export function createUuid(nowMs: number, random: Random): string {
  const bytes = random.bytes(10);
  bytes[0] = (bytes[0]! & 0x0f) | 0x70;
  bytes[2] = (bytes[2]! & 0x3f) | 0x80;
  const time = nowMs.toString(16).padStart(12, '0');
  let id = `${time.slice(0, 8)}-${time.slice(8)}`;
  bytes.forEach((byte, i) => (id += (i % 2 || i > 4 ? '' : '-') + HEX[byte]));
  return id;
}
