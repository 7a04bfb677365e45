import type { Server } from './server.ts';

const WAIT_MS = 30_000;

/** Resolves when a process has started for the next SQL question, as somebody who asks again finds one. */
export async function nextSqlProcessWaits(server: Server): Promise<void> {
  for (const deadline = Date.now() + WAIT_MS; !((await server.api.waitingForSql()) > 0); ) {
    if (Date.now() > deadline) throw new Error(`no process waits for the next SQL question after ${WAIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
