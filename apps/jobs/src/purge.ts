import { removeFromLake, type Lake } from '@tidemark/lake';
import type { ProcessorView } from '@tidemark/processor';
import { DERIVED_TABLES, literal, QUARANTINE_TABLES, ROLLUP_TABLES, type Warehouse } from '@tidemark/warehouse';

/** Collectors may take events of a deleted project until they have heard of it. */
const COLLECTORS_HEAR_MS = 2_500;
const CATCH_UP_MS = 120_000;

export interface PurgeParts {
  warehouse: Warehouse;
  lake: Lake;
  processor: ProcessorView;
  sleep: (ms: number) => Promise<void>;
}

/**
 * Removes everything the stores hold of a project, once nothing of it can be on its way any more. The counts of its
 * outcomes stay: the balance is about what was received. Throws when the log is too far behind; call it again then.
 */
export async function purgeProject(project: string, { warehouse, lake, processor, sleep }: PurgeParts): Promise<void> {
  await sleep(COLLECTORS_HEAR_MS);
  if (!(await processor.caughtUp(CATCH_UP_MS))) {
    throw new Error(`The stores are too far behind the log to remove project ${project} now; it will be tried again.`);
  }
  // What is derived goes last: it could be made again of events that are still there.
  for (const table of ['events', 'timeline', ...QUARANTINE_TABLES, 'cohort_members', ...DERIVED_TABLES, ...ROLLUP_TABLES]) {
    await warehouse.command(`DELETE FROM ${table} WHERE project = ${literal(project)} SETTINGS mutations_sync = 1`);
  }
  await removeFromLake(lake, warehouse, `project = ${literal(project)}`);
}
