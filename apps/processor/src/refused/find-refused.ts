import type { OffsetRange, Warehouse } from '@tidemark/warehouse';
import { bisect } from './bisect.ts';
import { mayBeAboutRows } from './store-error.ts';
import { TrialStores, type StoreName } from './trial-stores.ts';

/** About 6 ms each: two minutes at the most, and only when more than 1,000 rows of a range are refused. */
const MAX_TRIALS = 20_000;
const MAX_DETAIL_CHARACTERS = 300;

/** Why rows are refused, by their offsets. */
export type RefusedRows = ReadonlyMap<number, string>;

/**
 * The rows at `offsets` (ascending, all staged) that some store refuses, and in which words. Nothing is stored by it.
 * Throws when a store fails for a reason that is not in the rows.
 */
export async function findRefused(warehouse: Warehouse, temporaryFolder: string, offsets: readonly number[], range: OffsetRange): Promise<RefusedRows> {
  const refused = new Map<number, string>();
  const trials = await TrialStores.open(warehouse, temporaryFolder);
  try {
    for (const store of trials.names) {
      // A store that refuses even no rows at all (a column is missing, say) has nothing against these.
      await trials.write(store, range, '0');
      const found = await bisect(offsets.length, (from, to) => refusal(trials, store, offsets, from, to, range), MAX_TRIALS);
      for (const [index, why] of found) refused.set(offsets[index]!, why);
    }
  } finally {
    await trials.close();
  }
  return refused;
}

async function refusal(trials: TrialStores, store: StoreName, offsets: readonly number[], from: number, to: number, range: OffsetRange): Promise<string | undefined> {
  const condition = `offset >= ${offsets[from]!} AND offset <= ${offsets[to - 1]!}`;
  const attempt = async () => {
    try {
      await trials.write(store, range, condition);
      return undefined;
    } catch (error) {
      if (!mayBeAboutRows(error)) throw error;
      return `${store}: ${error.message}`.toWellFormed().slice(0, MAX_DETAIL_CHARACTERS).toWellFormed();
    }
  };
  const why = await attempt();
  // A row is condemned by two refusals: one may have been the moment's.
  return why === undefined || to - from > 1 ? why : attempt();
}
