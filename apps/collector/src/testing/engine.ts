import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';

/** An engine that answers as the test says, on the socket where the collector looks for it. */
export async function startEngine(socketPath: string, listener: RequestListener): Promise<Server & AsyncDisposable> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
