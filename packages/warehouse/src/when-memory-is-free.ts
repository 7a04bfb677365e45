/**
 * Merges, compaction and ranges may for a moment have all the memory that the engine has, and then the smallest statement is refused
 * (`GET /api/pipeline` was after ten minutes of full load, 2026-11-23). A moment later it is not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { impossibleBlock } from './store-damage.ts';
import { WarehouseError } from './warehouse.ts';

const PAUSES_MS = [200, 400, 800] as const;
/** What worked so long before it was refused is not small: it would take as long again, and the memory, too. */
const SMALL_MS = 2_000;

/** ClickHouse's MEMORY_LIMIT_EXCEEDED, of the engine as a whole and not of one statement. */
export function isEngineFull(error: unknown): error is WarehouseError {
  return error instanceof WarehouseError && error.number === 241 && error.message.includes('(total)') && impossibleBlock(error) === undefined;
}

/** What `read` reads; asked again up to three times, over 1.4 s, while the engine's memory is all taken, unless it took long. Throws what it throws. */
export async function whenMemoryIsFree<Result>(read: () => Promise<Result>, pause: (ms: number) => Promise<unknown> = sleep): Promise<Result> {
  for (const pauseMs of PAUSES_MS) {
    const startedAt = performance.now();
    try {
      return await read();
    } catch (error) {
      if (!isEngineFull(error) || performance.now() - startedAt > SMALL_MS) throw error;
      await pause(pauseMs);
    }
  }
  return read();
}
