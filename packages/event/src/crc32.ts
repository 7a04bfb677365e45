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

/** The checksum (as a signed integer) of the bytes `[start, end)` that follow those of which `crc` is the checksum. */
export function crc32(bytes: Uint8Array, start: number, end: number, crc: number): number {
  let rest = ~crc;
  let at = start;
  for (; at + 8 <= end; at += 8) {
    rest ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    rest =
      TABLE[1792 + (rest & 0xff)]! ^
      TABLE[1536 + ((rest >>> 8) & 0xff)]! ^
      TABLE[1280 + ((rest >>> 16) & 0xff)]! ^
      TABLE[1024 + (rest >>> 24)]! ^
      TABLE[768 + bytes[at + 4]!]! ^
      TABLE[512 + bytes[at + 5]!]! ^
      TABLE[256 + bytes[at + 6]!]! ^
      TABLE[bytes[at + 7]!]!;
  }
  for (; at < end; at++) rest = TABLE[(rest ^ bytes[at]!) & 0xff]! ^ (rest >>> 8);
  return ~rest;
}
