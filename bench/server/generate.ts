import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LoadPlan, LoadResult } from '../generate/load.ts';
import { CONNECTIONS, EVENTS_PER_BATCH } from '../options.ts';
import { WRITE_KEY } from './server.ts';

const PROGRAM = fileURLToPath(new URL('./generator-process.mjs', import.meta.url));

export type Load = Partial<LoadPlan> & { seconds: number };

/** Runs a load in a process of its own. Throws when anything but 2xx or the statuses of `mayRefuse` came back. */
export async function generate(port: number, load: Load, mayRefuse: readonly number[] = []): Promise<LoadResult> {
  const child = fork(PROGRAM);
  const plan: LoadPlan = {
    port,
    path: '/api/events/batch',
    writeKey: WRITE_KEY,
    connections: CONNECTIONS,
    eventsPerBatch: EVENTS_PER_BATCH,
    ...load,
  };
  child.send(plan);
  const [result] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the generator ended with code ${code}`))),
  ])) as [LoadResult];
  const refusals = Object.entries(result.refused).filter(([status]) => !mayRefuse.includes(Number(status)));
  if (refusals.length > 0) throw new Error(`events were refused: ${refusals.map(([status, events]) => `${events} with ${status}`).join(', ')}`);
  if (result.unanswered > 0) throw new Error(`${result.unanswered} events were never answered`);
  return result;
}

/** The open loop needs connections to spare, so that a due batch waits for the server and not for one of them. */
export const OPEN_LOOP_CONNECTIONS = 256;
