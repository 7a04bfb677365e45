import { exchangeWithShadow, replaceFromShadow, shadowOf, tableIds, type Warehouse } from '@tidemark/warehouse';
import { readJournal, RebuildJournal, type JournalState } from './journal.ts';
import { REBUILT_TABLES } from './scope.ts';

/**
 * Puts the shadows in the tables' places: each table at once, or each month of it. Cut short, it is to be finished by
 * `finishSwap` before anything else is written. Nothing may write meanwhile.
 */
export async function swap(warehouse: Warehouse, journal: RebuildJournal, partitions: readonly string[] | null): Promise<void> {
  const ids = await tableIds(warehouse);
  journal.swapping(Object.fromEntries(REBUILT_TABLES.map((table) => [table, ids.get(shadowOf(table)) ?? ''])));
  for (const table of REBUILT_TABLES) await putInPlace(warehouse, table, partitions);
}

/** Was a swap cut short in the warehouse with this journal? Then what a checkpoint says of its tables is of no use. */
export function isSwapUnfinished(journalPath: string): boolean {
  return isUnfinished(readJournal(journalPath));
}

/** Finishes a swap that was cut short, if one was. To be called at the start, before tables are verified and written to. */
export async function finishSwap(warehouse: Warehouse, journalPath: string): Promise<void> {
  const state = readJournal(journalPath);
  if (!isUnfinished(state)) return;
  const ids = await tableIds(warehouse);
  for (const table of REBUILT_TABLES) {
    const shadow = state.swapping[table];
    // It is the table already, or a power loss took it: then the table as it was is mended like any other.
    if (ids.get(shadowOf(table)) !== shadow) continue;
    await putInPlace(warehouse, table, state.begun.partitions);
  }
  new RebuildJournal(journalPath).swapped();
}

function isUnfinished(state: JournalState | undefined): state is JournalState & { swapping: Record<string, string> } {
  return state?.swapping !== undefined && !state.swapped && state.ended === undefined;
}

async function putInPlace(warehouse: Warehouse, table: string, partitions: readonly string[] | null): Promise<void> {
  if (partitions === null) await exchangeWithShadow(warehouse, table);
  else for (const partition of partitions) await replaceFromShadow(warehouse, table, partition);
}
