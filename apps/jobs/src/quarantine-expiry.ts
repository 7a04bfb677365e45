import type { HeldBack } from '@tidemark/control';
import { literal, type Warehouse } from '@tidemark/warehouse';
import { ClockDoubted, type ClockWatch } from './clock-watch.ts';
import type { Job } from './job.ts';
import { heldBack, type Confirmations } from './plausible.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NAME = 'quarantine-expiry';

/** How long each project keeps what could not be stored. */
export interface QuarantineSettings {
  list(): Promise<{ id: string }[]>;
  /** Days from the receipt; null = for ever. */
  quarantineDays(project: string): Promise<number | null>;
}

export interface QuarantineExpiryParts {
  warehouse: Warehouse;
  settings: QuarantineSettings;
  clock: Pick<ClockWatch, 'doubt'>;
  confirmations: Confirmations;
  nowMs?: () => number;
}

/**
 * Deletes quarantined items, bytes and reasons, that are older than their project keeps them. What was counted of them
 * stays in `outcomes`, so the balance does too. Throws ClockDoubted as `retention` does.
 */
export function quarantineExpiry({ warehouse, settings, clock, confirmations, nowMs = Date.now }: QuarantineExpiryParts): Job {
  return {
    name: NAME,
    everyMs: HOUR_MS,
    async run(signal) {
      const doubt = await clock.doubt();
      const held: HeldBack[] = [];
      let deleted = 0;
      for (const { id } of await settings.list()) {
        signal?.throwIfAborted();
        const days = await settings.quarantineDays(id);
        if (days === null) continue;
        const whose = `project = ${literal(id)}`;
        const old = `${whose} AND received_at < fromUnixTimestamp64Milli(${nowMs() - days * DAY_MS}, 'UTC')`;
        const items = await count(warehouse, old);
        if (items === 0) continue;
        if (doubt !== undefined) throw new ClockDoubted(doubt);
        const deletion = { job: NAME, project: id, setting: `quarantineDays=${days}`, rows: items, countAll: () => count(warehouse, whose) };
        const implausible = await heldBack(deletion, confirmations);
        if (implausible !== undefined) {
          held.push(implausible);
          continue;
        }
        await warehouse.command(`DELETE FROM quarantine WHERE ${old}`);
        deleted += items;
      }
      if (deleted === 0 && held.length === 0) return undefined;
      return { rows: deleted, did: `${deleted} quarantined items were older than their project keeps them`, heldBack: held };
    },
  };
}

async function count(warehouse: Warehouse, condition: string): Promise<number> {
  const { rows } = await warehouse.query<{ items: number }>(`SELECT count() AS items FROM quarantine WHERE ${condition}`);
  return rows[0]?.items ?? 0;
}
