/** A data folder whose lake holds a history of a shop and whose tables do not: as after the loss of `events` and `timeline`. */
import { join } from 'node:path';
import { compactLake, Lake } from '@tidemark/lake';
import { ChdbWarehouse, insertDerived, insertStaged, Staging } from '@tidemark/warehouse';
import { stagedVisits, type VisitsPlan } from '../questions/store/visits.ts';
import { haveDone } from '../server/program.ts';
import { Server } from '../server/server.ts';

/** Within the days whose ids are kept, so that every event has its own. */
const DAYS = 20;
const DAY_MS = 86_400_000;
/** As many as the processor stores at once. */
const RANGE = 50_000;

export interface HistoryOrder {
  dataPath: string;
  plan: VisitsPlan;
}

/** Makes the folder, and in it so many events. */
export async function lakeHistory(dataPath: string, events: number): Promise<void> {
  // A first start makes everything that a data folder has.
  const server = await Server.start({ dataPath });
  const { current } = await server.api.ask<{ current: string }>('/api/projects');
  await server.stop();
  const plan: VisitsPlan = { project: current, endMs: Math.floor(Date.now() / DAY_MS) * DAY_MS, events, days: DAYS, seed: 5 };
  await haveDone<HistoryOrder>('history-process', { dataPath, plan });
}

/**
 * The processor's own work, range by range, but for the two tables: only what an event becomes in the staged row is made by SQL. The
 * lake is compacted by the job's own rounds.
 */
export async function landHistory({ dataPath, plan }: HistoryOrder): Promise<void> {
  const warehouse = await ChdbWarehouse.open({ path: join(dataPath, 'warehouse'), maxMemoryBytes: 8 * 2 ** 30 });
  const lake = await Lake.open(join(dataPath, 'lake'), warehouse);
  const staging = await Staging.open(warehouse, warehouse.temporaryFolder);
  for (let from = 0; from < plan.events; from += RANGE) {
    const to = Math.min(plan.events, from + RANGE);
    const range = { epoch: 'bench', partition: 0, from, to };
    await warehouse.command(stagedVisits(plan, from, to - from));
    await Promise.all([lake.land(range, false), warehouse.command(insertStaged('event_ids', range, false)), insertDerived(warehouse, 'staging')]);
    await staging.clear();
    while ((await compactLake(lake, warehouse)).read > 0);
  }
  await staging.close();
  lake.close();
  await warehouse.close();
}
