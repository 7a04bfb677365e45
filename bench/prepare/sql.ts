import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * Runs statements in the chDB folder of a server that is stopped, and resolves to the rows of each (none for those that
 * answer nothing). In a process of its own: chDB takes one folder a process.
 */
export async function runSql(warehousePath: string, statements: readonly string[]): Promise<Record<string, unknown>[][]> {
  const child = fork(fileURLToPath(new URL('./sql-process.mjs', import.meta.url)));
  child.send({ warehousePath, statements });
  const [answer] = (await Promise.race([once(child, 'message'), once(child, 'exit').then(([code]) => Promise.reject(new Error(`the SQL process ended with code ${code}`)))])) as [
    Record<string, unknown>[][],
  ];
  await once(child, 'exit');
  return answer;
}
