/** What must hold before anything is started: each check passes or throws one sentence with one fix. */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, resolve as resolvePath } from 'node:path';
import { StartProblem, systemCode } from '../start-problem.ts';

/** Below this, merges of the warehouse and the log's own room soon fail with ENOSPC. */
export const MIN_FREE_BYTES = 1024 ** 3;

/** @throws StartProblem `data_not_a_folder` or `data_not_writable` */
export function checkDataFolder(dataPath: string): void {
  try {
    makeFolder(resolvePath(dataPath), 0o700);
    if (!statSync(dataPath).isDirectory()) throw notAFolder(dataPath);
    accessSync(dataPath, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (cause instanceof StartProblem) throw cause;
    const code = systemCode(cause);
    if (code === 'EEXIST' || code === 'ENOTDIR') throw notAFolder(dataPath, cause);
    throw new StartProblem(
      'data_not_writable',
      `The data folder ${dataPath} can't be written (${code || String(cause)}).`,
      'make it writable for this user, or give another folder with --data.',
      { cause },
    );
  }
}

/**
 * Makes the missing levels one by one: Node's recursive mkdir never ends where a level can't be made and yet reads as
 * missing, as below /proc. The events of others are nobody's but this user's business, hence the mode.
 */
function makeFolder(path: string, mode?: number): void {
  if (existsSync(path)) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent);
  try {
    mkdirSync(path, { mode: mode ?? 0o777 });
  } catch (error) {
    // Made by somebody else in between, or a link to nowhere, which the check that follows finds.
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function notAFolder(dataPath: string, cause?: unknown): StartProblem {
  return new StartProblem('data_not_a_folder', `${dataPath} is a file, not a folder.`, 'give a folder with --data.', {
    cause,
  });
}

/** @throws StartProblem `disk_full` */
export function checkDisk(dataPath: string, free: number): void {
  if (free >= MIN_FREE_BYTES) return;
  throw new StartProblem(
    'disk_full',
    `Only ${Math.floor(free / 1024 ** 2)} MB are free on the disk of ${dataPath}; Tidemark needs 1 GB to start.`,
    'free some space, or give a folder on another disk with --data.',
  );
}

/**
 * Listens on the address for a moment.
 * @throws StartProblem `port_taken`, `port_forbidden` or `host_unknown`
 */
export async function checkAddress(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw addressProblem(host, port, error);
  }
  await new Promise((resolve) => server.close(resolve));
}

/** Says in words why an address can't be listened on; other errors are returned as they are. */
function addressProblem(host: string, port: number, error: unknown): unknown {
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return new StartProblem(
        'port_taken',
        `Port ${port} on ${host} is taken by another program.`,
        `stop that program, or give another port: --port ${port < 65_535 ? port + 1 : 7070}.`,
        { cause: error },
      );
    case 'EACCES':
      return new StartProblem(
        'port_forbidden',
        `This user may not listen on port ${port}.`,
        'give a port from 1024 up with --port.',
        { cause: error },
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new StartProblem(
        'host_unknown',
        `This machine has no address '${host}' to listen on.`,
        'give --host 127.0.0.1 (this machine only) or 0.0.0.0 (every network).',
        { cause: error },
      );
    default:
      return error;
  }
}
