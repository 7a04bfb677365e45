/** Whether the log is the one that the stores were fed from, found out before anything is written to it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { adoptCopy, checkPositions, type Topic } from '@tidemark/log';
import type { DataFolders } from '../data-folder.ts';
import type { ServerSettings } from '../settings.ts';
import { systemCode } from '../start-problem.ts';

interface Done {
  topic: Topic;
  epoch: string;
  /** Everything before it is in the stores, or partly: a range may be under way. */
  offset: number;
}

/**
 * Gives a log that is a copy, or older than the stores, a new epoch. To be called by the log's writer before it opens it.
 * @returns sentences for the operator, none when all is as it was
 */
export async function prepareLog({ log, positions }: Pick<DataFolders, 'log' | 'positions'>, nowMs: number): Promise<string[]> {
  const done = consumed(positions);
  if (!existsSync(join(log, 'data.mdb'))) return done.some(({ offset }) => offset > 0) ? [LOST] : [];
  const origin = await adoptCopy(log, done, nowMs);
  return origin === 'unchanged' ? [] : [origin === 'restored' ? RESTORED : FELL_BACK];
}

const LOST =
  'The log is gone, and the stores hold events that came through it: a new log is begun. What the stores hold stays, and is ' +
  'counted as received; events that were acknowledged and not yet stored are lost with the old log.';
const RESTORED =
  'The log is a copy that was put back: it goes on under a new epoch. Its events that the stores already hold are not stored again.';
const FELL_BACK =
  'The log ends before what the stores hold of it, so it is an older copy: it goes on under a new epoch. Events that were ' +
  'acknowledged after that copy and not yet stored are lost with the newer log.';

/** Tells the engine, which is started side by side with the log's writer, that the log may be read. */
export function markLogPrepared({ dataPath, startId }: ServerSettings): void {
  if (startId !== undefined) writeFileSync(markPath(dataPath), startId);
}

/** True without a supervisor: then whoever starts the two minds their order. */
export function isLogPrepared({ dataPath, startId }: ServerSettings): boolean {
  if (startId === undefined) return true;
  try {
    return readFileSync(markPath(dataPath), 'utf8') === startId;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

function markPath(dataPath: string): string {
  return join(dataPath, 'run', 'log.prepared');
}

/** Nothing when the positions are damaged: the engine finds them again in the stores. */
function consumed(path: string): Done[] {
  const { faults, positions } = checkPositions(path);
  if (faults.length > 0) return [];
  return (['events', 'quarantine'] as const).flatMap((topic) => {
    const position = positions[topic];
    if (position === undefined) return [];
    const { to = 0 } = (position.metadata === '' ? {} : JSON.parse(position.metadata)) as { to?: number };
    return [{ topic, epoch: position.epoch, offset: Math.max(position.offset, to) }];
  });
}
