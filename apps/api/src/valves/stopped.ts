import { literal } from '@tidemark/warehouse';
import type { Warehouse } from '@tidemark/warehouse';
import { ofWarehouseTime, toRfc3339 } from '../times.ts';

/** Events that a valve has stopped, as far as they are committed. */
export interface Stopped {
  quarantined: number;
  dropped: number;
  /** RFC 3339, start of the last minute in which it stopped any; null = none yet. */
  lastMinute: string | null;
}

const NONE: Stopped = { quarantined: 0, dropped: 0, lastMinute: null };

/** What each valve of a project has stopped, by the valve's id, from the counts that the balance is made of. */
export async function stoppedByValves(warehouse: Warehouse, project: string): Promise<(id: string) => Stopped> {
  const { rows } = await warehouse.query<Stopped & { id: string; lastMinute: string }>(
    `SELECT substring(code, 7) AS id, sumIf(events, outcome = 'quarantined') AS quarantined,
       sumIf(events, outcome = 'rejected') AS dropped, toString(max(minute)) AS lastMinute
     FROM outcomes WHERE project = ${literal(project)} AND startsWith(code, 'valve:') GROUP BY id`,
    { timeoutMs: 10_000 },
  );
  const byId = new Map(
    rows.map(({ id, lastMinute, ...counts }) => [id, { ...counts, lastMinute: toRfc3339(ofWarehouseTime(lastMinute)) }]),
  );
  return (id) => byId.get(id) ?? NONE;
}
