import { isUtf8 } from 'node:buffer';
import type { FieldFault, QuarantineRecord } from '@tidemark/pipeline';

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
): QuarantineRecord {
  const [{ code, detail }] = event.faults;
  const encoding = isUtf8(original) ? 'utf8' : 'base64';
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
  };
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
