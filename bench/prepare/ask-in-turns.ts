import { once } from 'node:events';
import { answerOf, startProgram } from '../server/program.ts';

export interface TurnsOrder {
  warehousePath: string;
  project: string;
  kind: string;
  question: unknown;
  /** The statement that it is held against. */
  plain: string;
  /** Another way to the same answer, asked once. */
  second?: string;
  rounds: number;
}

export interface TurnsResult {
  /** The last one. */
  answer: object;
  second: unknown[];
  oursMs: number[];
  plainMs: number[];
}

/** A question, as the server compiles it, and a plain statement in turns: in a process of its own, since chDB takes one folder a process. */
export async function askInTurns(order: TurnsOrder): Promise<TurnsResult> {
  const child = startProgram('question-process');
  const ended = once(child, 'exit');
  child.send(order);
  const result = await answerOf<TurnsResult>(child);
  await ended;
  return result;
}
