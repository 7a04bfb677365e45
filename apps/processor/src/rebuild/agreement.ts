/** Holds shadows and tables against the lake, by offsets. */
import type { Lake, LakeFile } from '@tidemark/lake';
import { shadowOf, storeDamage, WarehouseError, type OffsetRange, type Warehouse } from '@tidemark/warehouse';
import { differing, digestOfFiles, digestOfTable } from '../mend/digest.ts';
import { RebuildRefused } from './refused.ts';
import { REBUILT_TABLES } from './scope.ts';
import type { ShadowCopy } from './shadow-copy.ts';

export interface AgreementParts {
  warehouse: Warehouse;
  lake: Lake;
  copy: ShadowCopy;
}

/** Tries to bring the shadows in line with the lake before they are said to differ. */
const CORRECTIONS = 3;

/**
 * Once done, the shadows hold exactly the offsets that `files` hold, of what meets `condition`: what is missing is copied,
 * what was deleted from the lake meanwhile is deleted. Throws RebuildRefused (`rebuild_differs`) when they can't be brought to.
 */
export async function agree({ warehouse, lake, copy }: AgreementParts, files: () => readonly LakeFile[], condition: string): Promise<void> {
  let differences: OffsetRange[] = [];
  for (let round = 0; round <= CORRECTIONS; round++) {
    const digests = [await digestOfFiles(warehouse, lake, files(), condition)];
    for (const table of REBUILT_TABLES) digests.push(await digestOfTable(warehouse, shadowOf(table), condition));
    differences = differing(digests);
    if (differences.length === 0) return;
    if (round < CORRECTIONS) for (const range of differences) await copy.correct(range, condition);
  }
  const [{ epoch, from, to }] = differences as [OffsetRange];
  throw new RebuildRefused(
    'rebuild_differs',
    `What was rebuilt differs from the lake in ${differences.length} ranges, the first of them ${epoch} ${from} to ${to}; nothing was swapped. Run \`tidemark doctor\`, and rebuild again.`,
  );
}

/**
 * Throws RebuildRefused (`rebuild_would_lose`) when a live table holds rows that the lake doesn't: with the swap they would
 * be gone. Of a table that is gone or damaged nothing can be asked, and that is what a rebuild is for.
 */
export async function refuseLoss({ warehouse, lake, copy }: AgreementParts, files: readonly LakeFile[], condition: string): Promise<void> {
  const held = await digestOfFiles(warehouse, lake, files, condition);
  for (const table of REBUILT_TABLES) {
    const lost = await ifReadable(async () => {
      let rows = 0;
      for (const range of differing([held, await digestOfTable(warehouse, table, condition)])) rows += await copy.surplus(table, range, condition);
      return rows;
    });
    if (lost === undefined || lost === 0) continue;
    throw new RebuildRefused(
      'rebuild_would_lose',
      `The table ${table} holds ${lost} events that the lake does not: a rebuild would lose them, so nothing was swapped. Kill and start the engine, which gives the lake what it lacks; or rebuild with \`allowLoss\` if they were deleted.`,
    );
  }
}

const UNKNOWN_TABLE = 60;

async function ifReadable<Result>(read: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof WarehouseError && (error.number === UNKNOWN_TABLE || storeDamage(error) !== undefined)) return undefined;
    throw error;
  }
}
