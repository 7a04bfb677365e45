/**
 * Orders as texts. ClickHouse compares a tuple value by value, a text at once: the owners of 205,000 devices by (time, eventId) took 0.30 s
 * of CPU, and 0.10 s by one text of these (chDB 26.7, 2026-11-22).
 */

/** SQL of the eight bytes of an Int64 that lie in the order of the numbers. Before a text, the two are ordered as a pair. */
export function orderedBytes(number: string): string {
  return `reinterpretAsFixedString(byteSwap(bitXor(reinterpretAsUInt64(${number}), 0x8000000000000000)))`;
}
