import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Topic } from '@tidemark/log';
import type { KeptRequest } from '@tidemark/pipeline';
import { literal, positionCondition, type OffsetRange, type Warehouse } from '@tidemark/warehouse';

/** One quarantined event, at its offset in its topic. */
export interface QuarantineRow {
  offset: number;
  project: string;
  source: string;
  receivedAtMs: number;
  /** Code and detail of the first of `reasons`. */
  code: string;
  detail: string;
  reasons: readonly { field: string; code: string; detail: string }[];
  eventId: string;
  eventName: string;
  original: string;
  encoding: 'utf8' | 'base64';
  /** What its request said besides; absent where that is nothing, or was not kept. */
  request?: KeptRequest;
}

const STRUCTURE = `project String, received_at Int64, source String, code String, detail String, reasons String,
  event_id String, event_name String, original String, encoding String, request String, offset UInt64`;

/** Writes the quarantined events of one range of one topic; on a second try those that the first one didn't. */
export async function writeQuarantine(
  warehouse: Warehouse,
  temporaryFolder: string,
  topic: Topic,
  rows: readonly QuarantineRow[],
  range: OffsetRange,
  secondTry: boolean,
): Promise<void> {
  if (rows.length === 0) return;
  // Both topics are consumed side by side.
  const file = join(temporaryFolder, `quarantine-${topic}.ndjson`);
  await writeFile(file, rows.map(line).join('\n'));
  const held = `SELECT offset FROM quarantine WHERE topic = ${literal(topic)} AND ${positionCondition(range)}`;
  await warehouse.command(
    `INSERT INTO quarantine (project, received_at, source, code, detail, reasons, event_id, event_name, original, request, epoch, topic, partition, offset)
     SELECT project, fromUnixTimestamp64Milli(received_at, 'UTC'), source, code, detail, reasons, event_id, event_name,
       if(encoding = 'base64', base64Decode(original), original), request, ${literal(range.epoch)}, ${literal(topic)}, ${range.partition}, offset
     FROM file(${literal(file)}, 'JSONEachRow', ${literal(STRUCTURE)}) ${secondTry ? `WHERE offset NOT IN (${held})` : ''}`,
  );
  await rm(file, { force: true });
}

function line(row: QuarantineRow): string {
  return JSON.stringify({
    offset: row.offset,
    project: row.project,
    source: row.source,
    received_at: row.receivedAtMs,
    code: row.code,
    detail: row.detail.toWellFormed(),
    reasons: JSON.stringify(row.reasons),
    event_id: row.eventId.toWellFormed(),
    event_name: row.eventName.toWellFormed(),
    original: row.original,
    encoding: row.encoding,
    request: row.request === undefined ? '' : JSON.stringify(row.request),
  });
}
