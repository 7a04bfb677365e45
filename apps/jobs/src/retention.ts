import { removeFromLake, type Lake } from '@tidemark/lake';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { expiry, type ExpiryParts } from './expiry.ts';
import type { Job } from './job.ts';

/** How long each project keeps its events. */
interface RetentionSettings {
  list(): Promise<{ id: string }[]>;
  /** null = for ever. */
  retentionDays(project: string): Promise<number | null>;
}

export interface RetentionParts extends ExpiryParts {
  lake: Lake;
  settings: RetentionSettings;
  /** Called before a project's events older than a time are deleted, which is left when it throws: what they made is to be kept. */
  expiring?: (project: string, beforeMs: number, signal?: AbortSignal) => Promise<void>;
}

/**
 * Deletes events older than their project keeps them; projects without a retention keep everything. One file of the lake,
 * then one partition of a table at a time, so that neither memory nor a step's time grow with how much is old.
 * Throws ClockDoubted as `expiry` does.
 */
export function retention(parts: RetentionParts): Job {
  return expiry(parts, {
    job: 'retention',
    rows: 'events',
    table: 'events',
    time: 'time',
    setting: 'retentionDays',
    projects: () => parts.settings.list(),
    daysKept: (project) => parts.settings.retentionDays(project),
    async remove(project, old, oldMs, signal) {
      const { warehouse, lake, expiring } = parts;
      await expiring?.(project, oldMs, signal);
      // The events last: while any are left the round is not done, and a kill in between begins it again.
      await removeFromLake(lake, warehouse, old, (file) => {
        signal?.throwIfAborted();
        return file.rows > 0 && file.fromMs < oldMs;
      });
      for (const table of ['timeline', 'events']) await deleteByPartition(warehouse, table, old, signal);
    },
  });
}

async function deleteByPartition(warehouse: Warehouse, table: string, condition: string, signal?: AbortSignal): Promise<void> {
  const { rows } = await warehouse.query<{ id: string }>(`SELECT DISTINCT _partition_id AS id FROM ${table} WHERE ${condition} ORDER BY id`);
  for (const { id } of rows) {
    signal?.throwIfAborted();
    await warehouse.command(`DELETE FROM ${table} IN PARTITION ID ${literal(id)} WHERE ${condition}`);
  }
}
