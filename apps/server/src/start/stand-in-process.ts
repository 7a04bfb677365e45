/**
 * A small true child for the supervisor's tests: listens, answers its process id, and fails as STAND_IN_COLLECTOR or
 * STAND_IN_ENGINE says: `refuse` (a problem at start), `crash` (dies before it is ready), `hang` (never stops when told).
 */
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runChild } from '../child.ts';
import { StartProblem } from '../start-problem.ts';

const role = process.argv[1]?.endsWith('engine.mjs') ? 'engine' : 'collector';
const behaviour = process.env[`STAND_IN_${role.toUpperCase()}`];

runChild(role, async ({ host, port, dataPath, engineSocketPath }) => {
  if (behaviour === 'refuse') throw new StartProblem('refused', 'The stand-in refuses.', 'tell it not to.');
  if (behaviour === 'crash') throw new Error('the stand-in crashes');
  const server = createServer((_request, response) => response.end(String(process.pid)));
  await new Promise<void>((resolve) => {
    if (role === 'engine') server.listen(engineSocketPath, resolve);
    else server.listen(port, host, resolve);
  });
  const note = (word: string): void => appendFileSync(join(dataPath, 'run', 'notes'), `${role} ${word}\n`);
  note('started');
  const address = role === 'engine' ? engineSocketPath : `http://${host}:${(server.address() as AddressInfo).port}`;
  return {
    address,
    async stop() {
      if (behaviour === 'hang') await new Promise(() => setInterval(() => {}, 1_000));
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      note('stopped');
    },
  };
});
