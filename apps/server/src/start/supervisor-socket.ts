/**
 * How commands give the supervisor orders: one line of JSON each way over a Unix socket that only the data folder's owner
 * can reach. A signal could not say what is wanted, nor how it went.
 */
import { rmSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { Server } from 'node:net';
import { createInterface } from 'node:readline';
import { systemCode } from '../start-problem.ts';
import type { Restarted, RestartableRole } from './server.ts';

export interface RestartOrder {
  restart: readonly RestartableRole[];
}

type OrderAnswer = { restarted: Restarted[] } | { failed: string };

const ROLES = ['engine', 'collector'];

/** Listens at `path`; `restart` does the work and rejects with a sentence. Call it with the folder locked. */
export async function takeOrders(path: string, restart: (roles: readonly RestartableRole[]) => Promise<Restarted[]>): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    // Whoever gave the order may have gone before it is done.
    socket.on('error', () => {});
    createInterface({ input: socket }).once('line', (line) => {
      void answerTo(line, restart).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(path, resolve));
  await chmod(path, 0o600);
  server.unref();
  return server;
}

async function answerTo(line: string, restart: (roles: readonly RestartableRole[]) => Promise<Restarted[]>): Promise<OrderAnswer> {
  try {
    const { restart: roles } = JSON.parse(line) as RestartOrder;
    if (!Array.isArray(roles) || !roles.every((role) => ROLES.includes(role))) return { failed: `The supervisor does not know the order ${line.slice(0, 200)}` };
    return { restarted: await restart(roles) };
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  }
}

/** Resolves with the answer; undefined when no supervisor listens there. */
export function giveOrder(path: string, order: RestartOrder): Promise<OrderAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => socket.write(`${JSON.stringify(order)}\n`));
    socket.on('error', (error) => {
      if (['ENOENT', 'ECONNREFUSED', 'ENOTDIR'].includes(systemCode(error))) resolve(undefined);
      else reject(error);
    });
    const lines = createInterface({ input: socket });
    // A broken socket is told by the socket itself.
    lines.on('error', () => {});
    lines.once('line', (line) => {
      resolve(JSON.parse(line) as OrderAnswer);
      socket.destroy();
    });
    socket.on('close', () => resolve({ failed: 'The server ended before it was done.' }));
  });
}
