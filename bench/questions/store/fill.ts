/** Fills a store's tables block by block, as the processor does range by range: staged, then copied by the product's own statements. */
import { insertDerived, insertStaged, Staging, type Warehouse } from '@tidemark/warehouse';
import { stagedVisits, type VisitsPlan } from './visits.ts';

/** A part a table and month: about what is left of ranges of 50,000 rows that were merged by tens. */
const BLOCK = 500_000;

export interface FillOrder {
  warehousePath: string;
  plan: VisitsPlan;
}

/**
 * `events`, `timeline` and what is derived of them (claims, links, traits). Not `event_ids`, quarantine and outcomes, which no
 * question reads, nor the lake. Only the collector's part is replaced by SQL: what an event becomes in the staged row.
 */
export async function fill(warehouse: Warehouse & { temporaryFolder: string }, plan: VisitsPlan): Promise<void> {
  const staging = await Staging.open(warehouse, warehouse.temporaryFolder);
  for (let from = 0; from < plan.events; from += BLOCK) {
    const to = Math.min(plan.events, from + BLOCK);
    const range = { epoch: 'bench', partition: 0, from, to };
    await warehouse.command(stagedVisits(plan, from, to - from));
    await warehouse.command(insertStaged('events', range, false));
    await warehouse.command(insertStaged('timeline', range, false));
    await insertDerived(warehouse, 'staging');
    await staging.clear();
  }
  await staging.close();
}
