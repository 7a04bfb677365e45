import { checkPositions, continueFrom, LogCorrupt, type LogWriter } from '@tidemark/log';

/** A record stays this long after every store has it, so that a store found broken can be mended from the log. */
export const LOG_RETENTION_MS = 3_600_000;

/** The log drops a bounded number of batches a call. So many calls keep up with 16,000 commits a second, and yet end. */
const MAX_CALLS = 100;

/**
 * Drops the records that every store has synced, longer ago than the retention. Resolves to how many. To be called each
 * minute; what one round leaves, the next one takes.
 */
export async function dropConsumed(log: Pick<LogWriter, 'epochs' | 'drop'>, positionsPath: string, nowMs: number): Promise<number> {
  // Read without LMDB: a damaged file must not end the process that takes events.
  const { faults, positions } = checkPositions(positionsPath);
  if (faults.length > 0) throw new LogCorrupt(`The positions in ${positionsPath} are damaged (${faults[0]}); they are found again at the next start.`);
  let dropped = 0;
  for (const topic of ['events', 'quarantine'] as const) {
    const position = positions[topic];
    const done = position === undefined ? undefined : continueFrom(log.epochs, topic, position);
    if (done === undefined) continue;
    for (let calls = 0; calls < MAX_CALLS; calls++) {
      const records = await log.drop(topic, 0, done, nowMs - LOG_RETENTION_MS);
      if (records === 0) break;
      dropped += records;
    }
  }
  return dropped;
}
