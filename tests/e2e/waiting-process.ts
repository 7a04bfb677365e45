/** The process that waits for the next SQL query, seen from outside. */
import { expect } from 'vitest';
import type { ServerUnderTest } from '../server-under-test.ts';

/** What it holds of the machine's memory, as the metrics say; 0 while none is ready. */
export async function waitingBytes(server: ServerUnderTest): Promise<number> {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^tidemark_sql_waiting_bytes\S* (\S+)$/m.exec(text)?.[1] ?? 0);
}

/** Its id, once it is ready and no query runs. */
export async function waitingProcess(server: ServerUnderTest): Promise<number> {
  await expect.poll(() => waitingBytes(server), { timeout: 30_000 }).toBeGreaterThan(0);
  await expect.poll(() => server.processes('sql-process').length, { timeout: 30_000 }).toBe(1);
  return server.processes('sql-process')[0]!;
}
