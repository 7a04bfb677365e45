import type { Recovered } from '@tidemark/processor';

/** Did a recovery change events beside the processor, or lose something of the rollups? Then all of these are in doubt. */
export function changesRollups({ verified, mended }: Recovered): boolean {
  const lost = [...verified.broken, ...verified.vanished].some(({ table }) => table === 'events' || table.startsWith('rollup'));
  return lost || (mended?.refilled.events ?? 0) > 0;
}
