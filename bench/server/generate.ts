import type { ChildProcess } from 'node:child_process';
import type { LoadPlan, LoadResult } from '../generate/load.ts';
import { CONNECTIONS, EVENTS_PER_BATCH } from '../options.ts';
import { answerOf, startProgram } from './program.ts';
import { WRITE_KEY } from './server.ts';

export type Load = Partial<LoadPlan> & { seconds: number };

/** Runs a load in a process of its own. Throws when anything but 2xx or the statuses of `mayRefuse` came back. */
export function generate(port: number, load: Load, mayRefuse: readonly number[] = []): Promise<LoadResult> {
  return resultOf(start(port, load), mayRefuse);
}

/** The same in a closed loop that lasts until it is ended. */
export function generateUntilEnded(port: number, load: Partial<LoadPlan> = {}): { end(): Promise<LoadResult> } {
  const child = start(port, { ...load, seconds: MOST_SECONDS });
  const result = resultOf(child, []);
  // Told to whoever ends it.
  result.catch(() => {});
  return {
    end: () => {
      if (child.connected) child.send('end');
      return result;
    },
  };
}

/** Longer than anybody waits. */
const MOST_SECONDS = 3_600;

function start(port: number, load: Load): ChildProcess {
  const child = startProgram('generator-process');
  const plan: LoadPlan = {
    port,
    path: '/api/events/batch',
    writeKey: WRITE_KEY,
    connections: CONNECTIONS,
    eventsPerBatch: EVENTS_PER_BATCH,
    ...load,
  };
  child.send(plan);
  return child;
}

async function resultOf(child: ChildProcess, mayRefuse: readonly number[]): Promise<LoadResult> {
  const result = await answerOf<LoadResult>(child);
  const refusals = Object.entries(result.refused).filter(([status]) => !mayRefuse.includes(Number(status)));
  if (refusals.length > 0) throw new Error(`events were refused: ${refusals.map(([status, events]) => `${events} with ${status}`).join(', ')}`);
  if (result.unanswered > 0) throw new Error(`${result.unanswered} events were never answered`);
  return result;
}

/** The open loop needs connections to spare, so that a due batch waits for the server and not for one of them. */
export const OPEN_LOOP_CONNECTIONS = 256;
