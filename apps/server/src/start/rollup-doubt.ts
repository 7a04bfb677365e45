import type { Recovered } from '@tidemark/processor';
import { raiseLine, readLine, type Warehouse } from '@tidemark/warehouse';

/**
 * Notes, before a recovery begins, that it may change events beside the processor. Resolves true when an earlier start noted
 * it and never came to `settleRollups`: what that recovery had changed, this one doesn't see. Throws WarehouseError.
 */
export async function doubtRollups(warehouse: Warehouse, nowMs: number): Promise<boolean> {
  const [doubted, settled] = [await readLine(warehouse, 'doubted'), await readLine(warehouse, 'settled')];
  await raiseLine(warehouse, 'doubted', nowMs);
  return (doubted ?? -Infinity) > (settled ?? -Infinity);
}

/** Whatever had to be marked after the recovery is marked. Throws WarehouseError. */
export async function settleRollups(warehouse: Warehouse): Promise<void> {
  await raiseLine(warehouse, 'settled', (await readLine(warehouse, 'doubted')) ?? 0);
}

/** Did a recovery change events beside the processor, or lose something of the rollups? Then all of these are in doubt. */
export function changesRollups({ verified, mended }: Recovered): boolean {
  const lost = [...verified.broken, ...verified.vanished].some(({ table }) => table === 'events' || table.startsWith('rollup'));
  return lost || (mended?.refilled.events ?? 0) > 0;
}
