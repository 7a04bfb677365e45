/** Quarantined events as they are shown: the reasons, what to do about each, and the bytes that came. */
import { documentationOf, INGEST_ERRORS } from '@tidemark/event';
import type { IngestErrorCode } from '@tidemark/event';
import { literal, type Answer, type Warehouse } from '@tidemark/warehouse';
import { Type } from 'typebox';
import type { Static } from 'typebox';
import { Position, Time } from './schemas.ts';
import { toRfc3339 } from './times.ts';

const Reason = Type.Object({
  field: Type.String(),
  code: Type.String(),
  detail: Type.String(),
  fix: Type.Optional(Type.String({ description: 'What to do, whatever the value was.' })),
  documentation: Type.Optional(Type.String()),
});

export const Refusal = Type.Object({
  eventId: Type.String({ description: "As far as it had one; '' otherwise." }),
  eventName: Type.String(),
  receivedAt: Time,
  source: Type.String(),
  code: Type.String({ description: 'Of the first reason.' }),
  detail: Type.String(),
  reasons: Type.Array(Reason),
  original: Type.String({ description: 'The bytes as received: text, or base64 as `encoding` says.' }),
  encoding: Type.Unsafe<'utf8' | 'base64'>({ type: 'string', enum: ['utf8', 'base64'] }),
  position: Position,
  appVersion: Type.String({ description: "As far as it says; '' otherwise." }),
  replayedAt: Type.Optional(Type.String({ format: 'date-time', description: 'When it was let in; absent while it is in quarantine.' })),
  lastTry: Type.Optional(
    Type.Object(
      { at: Time, reasons: Type.Array(Reason) },
      { description: 'The last replay that failed, and why: mended as that replay said, under the rules of then.' },
    ),
  ),
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
  app_version: string;
  epoch: string;
  topic: string;
  partition: number;
  offset: number;
}

/** Quarantined events of a project for which `condition` (SQL) holds, newest first. */
export async function readRefusals(warehouse: Warehouse, project: string, condition: string, limit: number): Promise<Refusal[]> {
  const sql = `
    SELECT event_id, event_name, toUnixTimestamp64Milli(received_at) AS received_ms, source, code, detail, reasons, app_version,
      isValidUTF8(original) AS utf8, if(utf8, original, base64Encode(original)) AS bytes, epoch, topic, partition, offset
    FROM quarantine WHERE project = ${literal(project)} AND ${condition} ORDER BY received_at DESC, epoch DESC, offset DESC LIMIT ${limit}`;
  const { rows }: Answer<RefusalRow> = await warehouse.query(sql, { timeoutMs: 30_000 });
  const replays = await replaysOf(warehouse, project, rows);
  return rows.map((row) => ({
    eventId: row.event_id,
    eventName: row.event_name,
    receivedAt: toRfc3339(row.received_ms),
    source: row.source,
    code: row.code,
    detail: row.detail,
    reasons: reasonsOf(row.reasons),
    original: row.bytes,
    encoding: row.utf8 === 1 ? 'utf8' : 'base64',
    position: { epoch: row.epoch, partition: row.partition, offset: row.offset },
    appVersion: row.app_version,
    ...replays(row),
  }));
}

interface PositionRow {
  epoch: string;
  topic: string;
  partition: number;
  offset: number;
}

/** What replays made of each of the items. */
async function replaysOf(warehouse: Warehouse, project: string, items: readonly PositionRow[]): Promise<(item: PositionRow) => Pick<Refusal, 'replayedAt' | 'lastTry'>> {
  if (items.length === 0) return () => ({});
  const keys = items.map(({ epoch, topic, partition, offset }) => `(${literal(epoch)}, ${literal(topic)}, ${partition}, ${offset})`);
  const those = `project = ${literal(project)} AND (epoch, topic, partition, offset) IN (${keys.join(', ')})`;
  const [left, tried] = await Promise.all([
    warehouse.query<PositionRow & { ms: number }>(
      `SELECT epoch, topic, partition, offset, toUnixTimestamp64Milli(min(replayed_at)) AS ms FROM quarantine_replayed WHERE ${those} GROUP BY epoch, topic, partition, offset`,
    ),
    warehouse.query<PositionRow & { ms: number; why: string }>(
      `SELECT epoch, topic, partition, offset, toUnixTimestamp64Milli(max(tried_at)) AS ms, argMax(reasons, tried_at) AS why FROM quarantine_tries WHERE ${those} GROUP BY epoch, topic, partition, offset`,
    ),
  ]);
  const keyOf = ({ epoch, topic, partition, offset }: PositionRow): string => `${epoch} ${topic} ${partition} ${offset}`;
  const found = new Map<string, Pick<Refusal, 'replayedAt' | 'lastTry'>>();
  for (const row of tried.rows) found.set(keyOf(row), { lastTry: { at: toRfc3339(row.ms), reasons: reasonsOf(row.why) } });
  for (const row of left.rows) found.set(keyOf(row), { replayedAt: toRfc3339(row.ms) });
  return (item) => found.get(keyOf(item)) ?? {};
}

function reasonsOf(text: string): Refusal['reasons'] {
  return (JSON.parse(text) as FaultText[]).map(explained);
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
