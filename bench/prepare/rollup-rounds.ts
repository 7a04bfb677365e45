import { once } from 'node:events';
import { answerOf, startProgram } from '../server/program.ts';

export interface RollupOrder {
  warehousePath: string;
  project: string;
  /** Properties that the project has named. */
  properties: readonly string[];
  /** Asked with rollups and without, in the end: both must be the same. */
  questions: readonly object[];
  /** The statement that a round is held against. */
  plain: string;
  rounds: number;
}

export interface RollupRounds {
  oursMs: number[];
  plainMs: number[];
  /** Quarters of an hour that the round which made the fewest made anew, and rows of one round. */
  buckets: number;
  rows: number;
  /** Of `rollup_rows` with the rows of one round alone. */
  bytes: number;
  answers: { fromRollups: unknown; fromEvents: unknown; buckets: number; rollupsMs: number; eventsMs: number }[];
}

/** Makes all rollups of a project dirty and has the job make them again, in turns with a plain statement, in a process of its own. */
export async function rollupRounds(order: RollupOrder): Promise<RollupRounds> {
  const child = startProgram('rollups-process');
  const ended = once(child, 'exit');
  child.send(order);
  const result = await answerOf<RollupRounds>(child);
  await ended;
  return result;
}
