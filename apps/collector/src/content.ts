import { isUtf8 } from 'node:buffer';
import { LIMITS, readPlainBatch, readPlainEvent } from '@tidemark/event';
import type { PlainBody } from '@tidemark/event';
import { isTooComplex } from './complexity.ts';
import { inflate } from './inflate.ts';
import type { Refusal } from './problem.ts';

export type Content =
  /** `value` is read lossily where bytes are not UTF-8: such events are found and quarantined one by one. */
  | { kind: 'json'; value: unknown; bytes: Buffer; isUtf8: boolean }
  /** The usual case: events that need not be parsed. */
  | { kind: 'plain'; body: PlainBody; bytes: Buffer }
  /** Nothing that could be read; `bytes` are unpacked where that was possible. */
  | { kind: 'unparsable'; detail: string; bytes: Buffer }
  | { kind: 'refused'; refusal: Refusal };

const WRITE_KEY_FIELD = Buffer.from('"writeKey"');

/**
 * A body by what it holds, never by what its Content-Type says: gzip, then JSON. With `keyWanted` the request's key
 * must be in the body, and one that can't have it is not parsed at all.
 */
export function readContent(wire: Buffer, keyWanted: boolean, shape: 'single' | 'batch'): Content {
  const unpacked = unpack(wire);
  if (unpacked.kind !== 'unpacked') return unpacked;
  const { bytes } = unpacked;
  if (keyWanted && !bytes.includes(WRITE_KEY_FIELD)) {
    return { kind: 'refused', refusal: { code: 'unknown_write_key', detail: 'The request carries no write key.' } };
  }
  if (isTooComplex(bytes)) {
    return {
      kind: 'refused',
      refusal: {
        code: 'body_too_large',
        detail: 'The body holds over 500,000 objects, arrays and keys; split the batch.',
      },
    };
  }
  const plain = shape === 'batch' ? readPlainBatch(bytes) : readPlainEvent(bytes);
  if (plain !== undefined) return { kind: 'plain', body: plain, bytes };
  try {
    return { kind: 'json', value: JSON.parse(textOf(bytes)), bytes, isUtf8: isUtf8(bytes) };
  } catch (error) {
    const detail =
      bytes.length === 0 ? 'The body is empty.' : `The body is not JSON: ${(error as SyntaxError).message}.`;
    return { kind: 'unparsable', detail, bytes };
  }
}

/** A body's own bytes, out of gzip where it is gzip; or why they can't be had. */
export function unpack(wire: Buffer): { kind: 'unpacked'; bytes: Buffer } | (Content & { kind: 'refused' | 'unparsable' }) {
  const inflated = inflate(wire, LIMITS.maxDecompressedBytes);
  if (inflated.kind === 'too_large') {
    return {
      kind: 'refused',
      refusal: { code: 'body_too_large', detail: 'The body is over 16 MB after decompression; split the batch.' },
    };
  }
  if (inflated.kind === 'broken') {
    return {
      kind: 'unparsable',
      detail: `The body begins like gzip but can't be decompressed: ${inflated.reason}.`,
      bytes: wire,
    };
  }
  return { kind: 'unpacked', bytes: inflated.bytes };
}

/** The text of a body, without the byte order mark that some Windows tools put before it. */
function textOf(bytes: Buffer): string {
  const marked = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return bytes.toString('utf8', marked ? 3 : 0);
}
