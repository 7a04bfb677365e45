/** A foreign request as a body of ours: from here on it is judged like any other. */
import { isUtf8 } from 'node:buffer';
import { LIMITS, readPlainBatch } from '@tidemark/event';
import { isTooComplex } from '../complexity.ts';
import { unpack } from '../content.ts';
import type { Content } from '../content.ts';
import { plainKey } from '../write-key.ts';
import type { Dialect, ForeignRequest } from './dialect.ts';
import { readForeignBody } from './foreign-body.ts';
import { unmarkStrayBytes } from './stray-bytes.ts';

const TOO_LARGE: Content = { kind: 'refused', refusal: { code: 'body_too_large' } };

/**
 * `wire` is not looked at where the dialect carries everything in the head. `isKnown` judges a key that is in the body,
 * before anything is made of it; absent where the head had one. What is made of a body is bounded like a body: the
 * context of a batch stands in each of its events.
 */
export function readForeignContent(
  wire: Buffer,
  dialect: Dialect,
  request: ForeignRequest,
  isKnown?: (key: string) => boolean,
): Content {
  const unpacked = unpack(wire);
  if (unpacked.kind !== 'unpacked') return unpacked;
  const { bytes } = unpacked;
  let value = dialect.bodyOfHead?.(request);
  if (value === undefined) {
    const body = readForeignBody(bytes, { unzip, isTooComplex });
    if (body.kind === 'too_large') return TOO_LARGE;
    if (body.kind === 'unparsable') return { kind: 'unparsable', detail: body.detail, bytes };
    value = body.value;
  }
  const writeKey = dialect.keyOfBody ? dialect.keyOfBody(value) : (value as { writeKey?: unknown } | null)?.writeKey;
  const key = typeof writeKey === 'string' ? plainKey(writeKey) : undefined;
  if (isKnown && (key === undefined || !isKnown(key)))
    return {
      kind: 'refused',
      refusal: { code: 'unknown_write_key', detail: 'The request carries no write key that is known.' },
    };
  const batch = dialect.read(value, request);
  if (batch === undefined)
    return { kind: 'unparsable', detail: `The body holds nothing that belongs to ${request.path}.`, bytes };
  if (batch.items.length > LIMITS.maxEventsPerBody) {
    return {
      kind: 'refused',
      refusal: { code: 'too_many_events', detail: `The body holds ${batch.items.length} events; send at most 5,000.` },
    };
  }
  const texts: string[] = [];
  let length = 0;
  for (const item of batch.items) {
    const text = textOf(batch.translate(item));
    if ((length += text.length) > LIMITS.maxDecompressedBytes) return TOO_LARGE;
    texts.push(text);
  }
  const head = JSON.stringify({ writeKey: key });
  const text = `${head === '{}' ? '{' : `${head.slice(0, -1)},`}"events":[${texts.join()}]}`;
  const translated = unmarkStrayBytes(text);
  const plain = readPlainBatch(translated);
  if (plain !== undefined) return { kind: 'plain', body: plain, bytes: translated };
  return { kind: 'json', value: JSON.parse(translated.toString()), bytes: translated, isUtf8: isUtf8(translated) };
}

/** Of an event that is nested deeper than can be written, a text: no object, and so refused by itself. */
function textOf(event: unknown): string {
  try {
    return JSON.stringify(event) ?? 'null';
  } catch {
    return '"nested too deeply"';
  }
}

function unzip(bytes: Buffer): Buffer | undefined {
  const unpacked = unpack(bytes);
  return unpacked.kind === 'unpacked' ? unpacked.bytes : undefined;
}
