import type { Memory } from './row-bytes.ts';

/**
 * CRC-32 as zlib computes it (ISO 3309), eight bytes a step ("slicing-by-8": Kounavis and Berry, Intel, 2005). For short
 * pieces between other work: 0.1 us for 100 bytes, where the call of zlib's own takes 0.2 us with the view that it needs.
 */
const TABLE = new Int32Array(8 * 256);
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  TABLE[byte] = crc;
}
for (let index = 256; index < TABLE.length; index++) {
  const before = TABLE[index - 256]!;
  TABLE[index] = (before >>> 8) ^ TABLE[before & 0xff]!;
}

/** The checksum (as a signed integer) of the bytes from `start` to `end`, which follow those of which `crc` is the checksum. */
export function crc32({ bytes, view }: Memory, start: number, end: number, crc: number): number {
  let rest = ~crc;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    const low = rest ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    rest =
      TABLE[1792 + (low & 0xff)]! ^
      TABLE[1536 + ((low >>> 8) & 0xff)]! ^
      TABLE[1280 + ((low >>> 16) & 0xff)]! ^
      TABLE[1024 + (low >>> 24)]! ^
      TABLE[768 + (high & 0xff)]! ^
      TABLE[512 + ((high >>> 8) & 0xff)]! ^
      TABLE[256 + ((high >>> 16) & 0xff)]! ^
      TABLE[high >>> 24]!;
  }
  for (; at < end; at++) rest = TABLE[(rest ^ bytes[at]!) & 0xff]! ^ (rest >>> 8);
  return ~rest;
}
