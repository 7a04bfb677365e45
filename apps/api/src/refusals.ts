/** Quarantined events as they are shown: the reasons, what to do about each, and the bytes that came. */
import { documentationOf, INGEST_ERRORS } from '@tidemark/event';
import type { IngestErrorCode } from '@tidemark/event';
import type { Answer, Warehouse } from '@tidemark/warehouse';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Position, Time } from './schemas.ts';
import { toRfc3339 } from './times.ts';

export const Refusal = Type.Object({
  eventId: Type.String({ description: "As far as it had one; '' otherwise." }),
  eventName: Type.String(),
  receivedAt: Time,
  source: Type.String(),
  code: Type.String({ description: 'Of the first reason.' }),
  detail: Type.String(),
  reasons: Type.Array(
    Type.Object({
      field: Type.String(),
      code: Type.String(),
      detail: Type.String(),
      fix: Type.Optional(Type.String({ description: 'What to do, whatever the value was.' })),
      documentation: Type.Optional(Type.String()),
    }),
  ),
  original: Type.String({ description: 'The bytes as received: text, or base64 as `encoding` says.' }),
  encoding: Type.Unsafe<'utf8' | 'base64'>({ type: 'string', enum: ['utf8', 'base64'] }),
  position: Position,
});
export type Refusal = Static<typeof Refusal>;

interface RefusalRow {
  event_id: string;
  event_name: string;
  received_ms: number;
  source: string;
  code: string;
  detail: string;
  reasons: string;
  bytes: string;
  utf8: number;
  epoch: string;
  partition: number;
  offset: number;
}

/** Quarantined events for which `condition` (SQL) holds, newest first. */
export async function readRefusals(warehouse: Warehouse, condition: string, limit: number): Promise<Refusal[]> {
  const sql = `
    SELECT event_id, event_name, toUnixTimestamp64Milli(received_at) AS received_ms, source, code, detail, reasons,
      isValidUTF8(original) AS utf8, if(utf8, original, base64Encode(original)) AS bytes, epoch, partition, offset
    FROM quarantine WHERE ${condition} ORDER BY received_at DESC, epoch DESC, offset DESC LIMIT ${limit}`;
  const { rows }: Answer<RefusalRow> = await warehouse.query(sql, { timeoutMs: 30_000 });
  return rows.map((row) => ({
    eventId: row.event_id,
    eventName: row.event_name,
    receivedAt: toRfc3339(row.received_ms),
    source: row.source,
    code: row.code,
    detail: row.detail,
    reasons: (JSON.parse(row.reasons) as FaultText[]).map(explained),
    original: row.bytes,
    encoding: row.utf8 === 1 ? 'utf8' : 'base64',
    position: { epoch: row.epoch, partition: row.partition, offset: row.offset },
  }));
}

interface FaultText {
  field: string;
  code: string;
  detail: string;
}

/** The reason with its fix; a reason of a store, which no sender can mend, has none. */
export function explained({ field, code, detail }: FaultText): Refusal['reasons'][number] {
  if (!Object.hasOwn(INGEST_ERRORS, code)) return { field, code, detail };
  const known = code as IngestErrorCode;
  return { field, code, detail, fix: INGEST_ERRORS[known].summary, documentation: documentationOf(known) };
}
