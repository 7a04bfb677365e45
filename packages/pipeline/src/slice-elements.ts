/**
 * Where the elements of a JSON array lie in the bytes of a body: so that an event that is refused can be kept byte for
 * byte, as it came. Only for bodies that JSON.parse has taken, and only when something in them was refused.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * Byte ranges `[start, end)` of the elements of the top-level array `property`, without the white space around them.
 * A property that is there twice counts by its last, as with JSON.parse; `[]` when there is no such array.
 * `body` is JSON in UTF-8 that JSON.parse has taken, a byte order mark before it allowed; of other bytes the answer means nothing.
 */
export function sliceElements(body: Buffer, property = 'events'): [number, number][] {
  let elements: [number, number][] = [];
  let at = skipSpace(body, body[0] === 0xef ? 3 : 0);
  if (body[at] !== OPEN_OBJECT) return elements;
  at = skipSpace(body, at + 1);
  while (body[at] === QUOTE) {
    const keyEnd = endOfString(body, at);
    const isIt = keyIs(body, at, keyEnd, property);
    at = skipSpace(body, keyEnd);
    if (body[at] !== COLON) return elements;
    at = skipSpace(body, at + 1);
    const end = endOfValue(body, at);
    if (isIt) elements = body[at] === OPEN_ARRAY ? elementsOf(body, at) : [];
    at = skipSpace(body, end);
    if (body[at] !== COMMA) return elements;
    at = skipSpace(body, at + 1);
  }
  return elements;
}

function elementsOf(body: Buffer, open: number): [number, number][] {
  const elements: [number, number][] = [];
  let at = skipSpace(body, open + 1);
  while (at < body.length && body[at] !== CLOSE_ARRAY) {
    const end = endOfValue(body, at);
    elements.push([at, end]);
    at = skipSpace(body, end);
    if (body[at] !== COMMA) break;
    at = skipSpace(body, at + 1);
  }
  return elements;
}

function endOfValue(body: Buffer, start: number): number {
  const first = body[start];
  if (first === QUOTE) return endOfString(body, start);
  let at = start;
  if (first !== OPEN_OBJECT && first !== OPEN_ARRAY) {
    while (at < body.length && !endsScalar(body[at])) at++;
    return at;
  }
  let depth = 0;
  while (at < body.length) {
    const byte = body[at];
    if (byte === QUOTE) {
      at = endOfString(body, at);
      continue;
    }
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if ((byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) && --depth === 0) return at + 1;
    at++;
  }
  return at;
}

/** Bytes inside a string are passed by a native search; bytes of UTF-8 beyond ASCII are never a quote. */
function endOfString(body: Buffer, open: number): number {
  let at = open + 1;
  for (;;) {
    const quote = body.indexOf(QUOTE, at);
    if (quote === -1) return body.length;
    let backslashes = 0;
    while (body[quote - 1 - backslashes] === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Keys may be written with escapes: `"\u0065vents"` is `events`. */
function keyIs(body: Buffer, start: number, end: number, property: string): boolean {
  const text = body.toString('utf8', start, end);
  return text.includes('\\') ? JSON.parse(text) === property : text === JSON.stringify(property);
}

function endsScalar(byte: number | undefined): boolean {
  return byte === undefined || byte === COMMA || byte === CLOSE_ARRAY || byte === CLOSE_OBJECT || isSpace(byte);
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (isSpace(body[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}
