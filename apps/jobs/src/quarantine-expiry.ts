import { QUARANTINE_TABLES } from '@tidemark/warehouse';
import { expiry, type ExpiryParts } from './expiry.ts';
import type { Job } from './job.ts';

/** How long each project keeps what could not be stored. */
interface QuarantineSettings {
  list(): Promise<{ id: string }[]>;
  /** Days from the receipt; null = for ever. */
  quarantineDays(project: string): Promise<number | null>;
}

export interface QuarantineExpiryParts extends ExpiryParts {
  settings: QuarantineSettings;
}

/**
 * Deletes quarantined items, bytes and reasons, that are older than their project keeps them, replayed or not. What was counted of them
 * stays in `outcomes`, so the balance does too. Throws ClockDoubted as `expiry` does.
 */
export function quarantineExpiry(parts: QuarantineExpiryParts): Job {
  const { warehouse, settings } = parts;
  return expiry(parts, {
    job: 'quarantine-expiry',
    rows: 'quarantined items',
    table: 'quarantine',
    time: 'received_at',
    setting: 'quarantineDays',
    projects: () => settings.list(),
    daysKept: (project) => settings.quarantineDays(project),
    async remove(_project, old) {
      for (const table of QUARANTINE_TABLES) await warehouse.command(`DELETE FROM ${table} WHERE ${old}`);
    },
  });
}
