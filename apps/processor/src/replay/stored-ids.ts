import { dedupKey } from '@tidemark/event';
import { literal, timeLiteral, type Warehouse } from '@tidemark/warehouse';

export interface StoredIds {
  /** Ids that a stored event of the project has. */
  stored: ReadonlySet<string>;
  /** Of these: those that the processor may not remember when it comes to a copy of the event. */
  forgotten: ReadonlySet<string>;
}

/** Ids are remembered for 30 days at least (X1); a day to spare for the way to the processor. */
const REMEMBERED_MS = 29 * 86_400_000;

/**
 * Which of the ids were stored before. Items are kept for longer than ids are, so the processor alone can't tell that an
 * item's event came in good shape two months ago. Throws WarehouseError.
 */
export async function storedIds(warehouse: Warehouse, project: string, eventIds: readonly string[], nowMs: number): Promise<StoredIds> {
  if (eventIds.length === 0) return { stored: new Set(), forgotten: new Set() };
  const { rows } = await warehouse.query<{ event_id: string }>(
    `SELECT DISTINCT event_id FROM events WHERE project = ${literal(project)} AND event_id IN (${eventIds.map((id) => literal(id)).join(', ')})`,
    { timeoutMs: 60_000 },
  );
  const stored = rows.map(({ event_id }) => event_id);
  const keys = new Map(stored.map((id) => [dedupKey(project, id).toString('hex').toUpperCase(), id]));
  const forgotten = new Set(stored);
  if (keys.size > 0) {
    const list = [...keys.keys()].map((key) => `toFixedString(unhex(${literal(key)}), 16)`).join(', ');
    const known = await warehouse.query<{ id: string }>(`SELECT hex(key) AS id FROM event_ids WHERE key IN (${list}) AND received_at >= ${timeLiteral(nowMs - REMEMBERED_MS)}`);
    for (const { id } of known.rows) forgotten.delete(keys.get(id)!);
  }
  return { stored: new Set(stored), forgotten };
}
