import { once } from 'node:events';
import { answerOf, startProgram } from '../server/program.ts';

/**
 * Runs statements in the chDB folder of a server that is stopped, and resolves to the rows of each (none for those that
 * answer nothing). In a process of its own: chDB takes one folder a process.
 */
export async function runSql(warehousePath: string, statements: readonly string[]): Promise<Record<string, unknown>[][]> {
  const child = startProgram('sql-process');
  const ended = once(child, 'exit');
  child.send({ warehousePath, statements });
  const answer = await answerOf<Record<string, unknown>[][]>(child);
  await ended;
  return answer;
}
