import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LmdbPositions, type LogWriter } from '@tidemark/log';

/** A record stays this long after every store has it, so that a store found broken can be mended from the log. */
export const LOG_RETENTION_MS = 3_600_000;

/** Drops the records that every store has synced, longer ago than the retention. Resolves to how many. */
export async function dropConsumed(log: LogWriter, positionsPath: string, nowMs: number): Promise<number> {
  if (!existsSync(join(positionsPath, 'data.mdb'))) return 0;
  const positions = new LmdbPositions(positionsPath, { readOnly: true });
  try {
    let dropped = 0;
    for (const topic of ['events', 'quarantine'] as const) {
      const position = positions.get(topic, 0);
      if (position === undefined || position.epoch !== log.epoch) continue;
      dropped += await log.drop(topic, 0, position.offset, nowMs - LOG_RETENTION_MS);
    }
    return dropped;
  } finally {
    await positions.close();
  }
}
