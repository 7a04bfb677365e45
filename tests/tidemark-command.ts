/** Runs a command of the program to its end, or until it is killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PROGRAM } from './server-under-test.ts';

export interface CommandEnd {
  /** null when it was killed. */
  status: number | null;
  /** What it has said, on stdout and stderr. */
  words: string;
}

export interface RunningCommand {
  process: ChildProcess;
  end: Promise<CommandEnd>;
}

export function beginTidemark(...args: string[]): RunningCommand {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let words = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (words += String(text)));
  return { process: child, end: once(child, 'close').then(([status]) => ({ status: status as number | null, words })) };
}

export function tidemark(...args: string[]): Promise<CommandEnd> {
  return beginTidemark(...args).end;
}
