import { join } from 'node:path';
import type { Latency } from '../generate/latency.ts';
import { answerOf, startProgram } from '../server/program.ts';
import { newFolder, removeFolder } from '../server/temporary.ts';

export interface BareLogOrder {
  path: string;
  seconds: number;
  batchesPerSecond: number;
  batchBytes: number;
}

/** From when each batch was due to when it was on disk, of a process that only writes and syncs; see bench/bare-log-process.ts. */
export async function bareLog(load: Omit<BareLogOrder, 'path'>): Promise<Latency> {
  const folder = newFolder();
  const child = startProgram('bare-log-process');
  child.send({ ...load, path: join(folder, 'log') } satisfies BareLogOrder);
  const latency = await answerOf<Latency>(child);
  removeFolder(folder);
  return latency;
}
