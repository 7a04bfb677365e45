import { answerOf, startProgram } from './program.ts';

/** The server that R1 is measured against; see bench/bare-server.ts. */
export async function startBareServer(): Promise<{ port: number; stop(): void }> {
  const child = startProgram('bare-server');
  const port = await answerOf<number>(child);
  return { port, stop: () => void child.kill() };
}
