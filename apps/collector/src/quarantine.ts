import { isUtf8 } from 'node:buffer';
import type { FieldFault, KeptRequest, QuarantineRecord } from '@tidemark/pipeline';

/** Whose bytes they are, and when they came. */
export interface Origin {
  project: string;
  source: string;
  receivedAtMs: number;
}

/** An event, or a whole unparsable body, with the bytes as they came (unpacked, where they could be). */
export function quarantineItem(
  { project, source, receivedAtMs }: Origin,
  event: { eventId: string; eventName: string; faults: readonly [FieldFault, ...FieldFault[]]; valve?: string },
  original: Buffer,
  request?: KeptRequest,
): QuarantineRecord {
  const [{ code, detail }] = event.faults;
  const encoding = isUtf8(original) && !growsAsJson(original) ? 'utf8' : 'base64';
  return {
    kind: 'item',
    project,
    source,
    receivedAtMs,
    code,
    detail,
    faults: event.faults.map((fault) => ({ field: fault.field, code: fault.code, detail: fault.detail })),
    eventId: event.eventId,
    eventName: event.eventName,
    original: original.toString(encoding),
    encoding,
    ...(event.valve === undefined ? {} : { valve: event.valve }),
    ...(request === undefined ? {} : { request }),
  };
}

/** No event is as large as this; only a body that was kept whole may be. */
const LARGE_BYTES = 128 * 1024;

/**
 * True of a large text that takes more room in the record's JSON than in base64: 16 KB of gzip can hold 16 MB of control
 * characters, each of which JSON writes in six bytes.
 */
function growsAsJson(original: Buffer): boolean {
  if (original.length < LARGE_BYTES) return false;
  let escaped = 0;
  for (const byte of original) {
    if (byte < 0x20) escaped += 5;
    else if (byte === 0x22 || byte === 0x5c) escaped++;
  }
  return escaped > original.length / 3;
}

/** Records as log frames: for each, its length (UInt32) and its JSON. */
export function frameRecords(records: readonly QuarantineRecord[]): Buffer {
  const texts = records.map((record) => Buffer.from(JSON.stringify(record)));
  const bytes = Buffer.allocUnsafeSlow(texts.reduce((size, text) => size + 4 + text.length, 0));
  let at = 0;
  for (const text of texts) {
    at = bytes.writeUInt32LE(text.length, at);
    at += text.copy(bytes, at);
  }
  return bytes;
}
