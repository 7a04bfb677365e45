/**
 * Merges, compaction and ranges may for a moment have all the memory that the engine has, and then the smallest statement is refused
 * (`GET /api/pipeline` was after ten minutes of full load, 2026-11-23). A moment later it is not.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WarehouseError } from '@tidemark/warehouse';

const PAUSES_MS = [200, 400, 800] as const;

/** ClickHouse's MEMORY_LIMIT_EXCEEDED, of the engine as a whole and not of one statement. */
export function isEngineFull(error: unknown): error is WarehouseError {
  return error instanceof WarehouseError && error.number === 241 && error.message.includes('(total)');
}

/** What `read` reads; asked again up to three times, over 1.4 s, while the engine's memory is all taken. Throws what it throws. */
export async function whenMemoryIsFree<Result>(read: () => Promise<Result>, pause: (ms: number) => Promise<unknown> = sleep): Promise<Result> {
  for (const pauseMs of PAUSES_MS) {
    try {
      return await read();
    } catch (error) {
      if (!isEngineFull(error)) throw error;
      await pause(pauseMs);
    }
  }
  return read();
}
