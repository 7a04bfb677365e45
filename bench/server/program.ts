import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Starts one of the programs beside this one, such as `generator-process`. */
export function startProgram(name: string): ChildProcess {
  return fork(fileURLToPath(new URL(`./${name}.mjs`, import.meta.url)));
}

/** What a program says next. Throws when it ends instead; why stands on stderr then. */
export async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const silent = new AbortController();
  try {
    const [answer] = (await Promise.race([
      once(child, 'message', { signal: silent.signal }),
      once(child, 'exit', { signal: silent.signal }).then(([code, signal]) => {
        throw new Error(`${child.spawnargs.at(-1)} ended (${code ?? signal}) without an answer`);
      }),
    ])) as [Answer];
    return answer;
  } finally {
    silent.abort();
  }
}

/** Has a program do what `doOrder` does there, and waits until it has ended. Throws as `answerOf` does. */
export async function haveDone<Order extends object>(name: string, order: Order): Promise<void> {
  const child = startProgram(name);
  const ended = once(child, 'exit');
  child.send(order);
  await answerOf(child);
  await ended;
}
