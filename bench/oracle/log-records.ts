import { join } from 'node:path';
import { LmdbLogReader } from '@tidemark/log';
import { WrongCount } from './counts.ts';

/**
 * For measures of intake alone: the log must hold exactly the accepted events, and have counted exactly as many as
 * received. Read from the log itself, after the server has stopped.
 */
export async function checkLog(dataPath: string, accepted: number): Promise<void> {
  const reader = LmdbLogReader.open(join(dataPath, 'log'));
  if (reader === undefined) throw new Error(`there is no log in ${dataPath}`);
  const { endOffsets, received } = reader.snapshot(0);
  const counted = received.reduce((sum, each) => sum + each.received, 0);
  await reader.close();
  const found = [];
  if (endOffsets.events !== accepted) found.push(`records in the log: ${endOffsets.events}, should be ${accepted}`);
  if (counted !== accepted) found.push(`receipts in the log: ${counted}, should be ${accepted}`);
  if (found.length > 0) throw new WrongCount(found);
}
