/** Where strings and lists of a JSON text end that is as JSON.stringify writes it. */

/** In place of where something ends: the text is not as JSON.stringify writes it. */
export const NOT_PLAIN = -1;

const QUOTE = 0x22;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Where the string ends that opens at `open`, behind its closing quote, before `end`. */
export function endOfString(bytes: Buffer, open: number, end: number): number {
  for (let at = open + 1; at < end; at++) {
    const byte = bytes[at];
    if (byte === BACKSLASH) at++;
    else if (byte === QUOTE) return at + 1;
  }
  return NOT_PLAIN;
}

/** Where the list ends that opens at `open`, behind its closing bracket, before `end`. */
export function endOfList(bytes: Buffer, open: number, end: number): number {
  let depth = 0;
  for (let at = open; at < end && at >= 0; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) at = endOfString(bytes, at, end) - 1;
    else if (byte === OPEN_ARRAY || byte === OPEN_OBJECT) depth++;
    else if ((byte === CLOSE_ARRAY || byte === CLOSE_OBJECT) && --depth === 0) return at + 1;
    if (at < open) return NOT_PLAIN;
  }
  return NOT_PLAIN;
}
