/** What other vendors' clients put into a body: JSON, or a form whose field `data` is JSON or base64 of it, whatever its Content-Type says. */
import { isUtf8 } from 'node:buffer';
import { markStrayBytes } from './stray-bytes.ts';

export type ForeignBody =
  /** Bytes that are not UTF-8 are marked in it (stray-bytes.ts). */
  | { kind: 'value'; value: unknown }
  | { kind: 'too_large' }
  | { kind: 'unparsable'; detail: string };

/** How far a body may be unpacked, and what may be parsed of it: asked before each parse, of the very bytes that are parsed. */
export interface BodyLimits {
  /** Undefined where it can't be unpacked, or is too large then. */
  unzip(bytes: Buffer): Buffer | undefined;
  isTooComplex(bytes: Buffer): boolean;
}

/** `bytes` are decompressed. A form's base64 may hold gzip again (posthog-js). */
export function readForeignBody(bytes: Buffer, limits: BodyLimits): ForeignBody {
  const json = parse(bytes, limits);
  if (json.kind !== 'unparsable') return json;
  const data = /(?:^|&)data=([^&]*)/.exec(bytes.toString())?.[1];
  if (data === undefined) return json;
  const decoded = decodeField(data);
  const plain = parse(Buffer.from(decoded), limits);
  if (plain.kind !== 'unparsable') return plain;
  // Not escaped, a plus of base64 arrives as a space (mixpanel's clients).
  const raw = Buffer.from(decoded.replaceAll(' ', '+'), 'base64');
  const unpacked = raw[0] === 0x1f && raw[1] === 0x8b ? limits.unzip(raw) : raw;
  const packed = unpacked && parse(unpacked, limits);
  return packed && packed.kind !== 'unparsable'
    ? packed
    : { kind: 'unparsable', detail: 'The field data is neither JSON nor base64 of it.' };
}

function decodeField(data: string): string {
  try {
    return decodeURIComponent(data.replaceAll('+', ' '));
  } catch {
    return data;
  }
}

function parse(bytes: Buffer, limits: BodyLimits): ForeignBody {
  if (limits.isTooComplex(bytes)) return { kind: 'too_large' };
  const text = isUtf8(bytes) ? bytes.toString() : markStrayBytes(bytes);
  if (text === undefined) return { kind: 'unparsable', detail: 'The body is not UTF-8.' };
  try {
    // Some Windows tools put a byte order mark before the text.
    return { kind: 'value', value: JSON.parse(text.replace(/^\uFEFF/, '')) as unknown };
  } catch {
    return { kind: 'unparsable', detail: 'The body is neither JSON nor a form with a field data.' };
  }
}
