import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The server that R1 is measured against; see bench/bare-server.ts. */
export async function startBareServer(): Promise<{ port: number; stop(): void }> {
  const child = fork(fileURLToPath(new URL('./bare-server.mjs', import.meta.url)));
  const [port] = (await once(child, 'message')) as [number];
  return { port, stop: () => void child.kill() };
}
