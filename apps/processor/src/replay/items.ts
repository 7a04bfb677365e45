import type { ItemPosition, KeptRequest } from '@tidemark/pipeline';
import { hasLeft, itemCondition, literal, timeLiteral, type ItemFilter, type Warehouse } from '@tidemark/warehouse';

export interface QuarantinedItem {
  at: ItemPosition;
  project: string;
  source: string;
  code: string;
  eventId: string;
  receivedAtMs: number;
  request: KeptRequest;
  /** Undefined when the bytes are no UTF-8, or more than any event may have. */
  text: string | undefined;
  bytes: number;
}

/** How an item is told from others, and where reading goes on. */
export type ItemCursor = readonly [receivedAtMs: number, epoch: string, topic: string, partition: number, offset: number];

/** An event takes half of it as compact JSON; a body that was kept whole may take 16 MB. */
const MAX_TEXT_BYTES = 1 << 17;

/** The next items that are still in quarantine, oldest first. Throws WarehouseError. */
export async function readItems(warehouse: Warehouse, filter: ItemFilter, after: ItemCursor | undefined, limit: number): Promise<QuarantinedItem[]> {
  const { rows } = await warehouse.query<{
    epoch: string; topic: 'events' | 'quarantine'; partition: number; offset: number; source: string; code: string; event_id: string;
    received_ms: number; request: string; bytes: number; legible: number; text: string;
  }>(
    `SELECT epoch, topic, partition, offset, source, code, event_id, toUnixTimestamp64Milli(received_at) AS received_ms, request,
       length(original) AS bytes, bytes <= ${MAX_TEXT_BYTES} AND isValidUTF8(original) AS legible, if(legible, original, '') AS text
     FROM quarantine WHERE ${itemCondition(filter)} AND NOT ${hasLeft(filter.project)} ${after === undefined ? '' : `AND ${behind(after)}`}
     ORDER BY received_at, epoch, topic, partition, offset LIMIT ${limit}`,
    { timeoutMs: 60_000 },
  );
  return rows.map(({ epoch, topic, partition, offset, source, code, event_id, received_ms, request, bytes, legible, text }) => ({
    at: { epoch, topic, partition, offset: Number(offset) },
    project: filter.project,
    source,
    code,
    eventId: event_id,
    receivedAtMs: Number(received_ms),
    request: request === '' ? {} : (JSON.parse(request) as KeptRequest),
    text: legible === 1 ? text : undefined,
    bytes: Number(bytes),
  }));
}

/** How many items are still in quarantine behind `after`. Throws WarehouseError. */
export async function countItems(warehouse: Warehouse, filter: ItemFilter, after: ItemCursor | undefined): Promise<number> {
  const { rows } = await warehouse.query<{ items: number }>(
    `SELECT count() AS items FROM quarantine WHERE ${itemCondition(filter)} AND NOT ${hasLeft(filter.project)} ${after === undefined ? '' : `AND ${behind(after)}`}`,
    { timeoutMs: 60_000 },
  );
  return Number(rows[0]?.items ?? 0);
}

export function cursorAt({ receivedAtMs, at: { epoch, topic, partition, offset } }: QuarantinedItem): ItemCursor {
  return [receivedAtMs, epoch, topic, partition, offset];
}

function behind([receivedAtMs, epoch, topic, partition, offset]: ItemCursor): string {
  return `(received_at, epoch, topic, partition, offset) > (${timeLiteral(receivedAtMs)}, ${literal(epoch)}, ${literal(topic)}, ${partition}, ${offset})`;
}
