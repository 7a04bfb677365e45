import { crc32 } from 'node:zlib';
import type { Position } from '../position.ts';

/** `crc32-hex SP json`: a flipped digit of an offset would skip records, or store them twice, in silence. */
export function positionText(position: Position): string {
  const json = JSON.stringify(position);
  return `${checksum(json)} ${json}`;
}

/** Undefined when the checksum does not hold. What was written before there was one is taken as it is. */
export function parsePosition(text: string): Position | undefined {
  const json = text.startsWith('{') ? text : text.slice(9);
  if (text !== json && text.slice(0, 9) !== `${checksum(json)} `) return undefined;
  try {
    return JSON.parse(json) as Position;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0');
}
