import { expiry, type ExpiryParts } from './expiry.ts';
import type { Job } from './job.ts';

/** How long each project keeps what could not be stored. */
export interface QuarantineSettings {
  list(): Promise<{ id: string }[]>;
  /** Days from the receipt; null = for ever. */
  quarantineDays(project: string): Promise<number | null>;
}

export interface QuarantineExpiryParts extends ExpiryParts {
  settings: QuarantineSettings;
}

/**
 * Deletes quarantined items, bytes and reasons, that are older than their project keeps them. What was counted of them
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
    remove: (_project, old) => warehouse.command(`DELETE FROM quarantine WHERE ${old}`),
  });
}
