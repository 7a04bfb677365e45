/**
 * The frame around the collector's and the engine's process: takes the settings, holds the role's lock on the data
 * folder, says when it is ready, and stops when told to.
 *
 *     start ── lock ── `start(settings)` ── ready ┄┄ stop | SIGTERM | the supervisor is gone ── `stop()` ── exit 0
 *                └──────────┴── StartProblem: told to the supervisor, exit 1
 */
import { rmSync } from 'node:fs';
import { isCommitEcho } from '@tidemark/log';
import { StartProblem } from './start-problem.ts';
import type { FromChild, ToChild } from './child-messages.ts';
import { readSettings } from './settings.ts';
import type { ServerSettings } from './settings.ts';
import { lockFolder } from './start/folder-lock.ts';

export interface RunningRole {
  /** Where it listens: a URL or the path of a socket. */
  address: string;
  /** Finishes what is under way and lets go of everything. */
  stop(): Promise<void>;
}

/** A predecessor that was killed with its supervisor may still be draining. */
const LOCK_WAIT_MS = 20_000;
/** Nobody is left to kill us when the supervisor is gone, and a new one waits only so long. */
const ORPHAN_STOP_MS = 15_000;

/**
 * Runs one role as this process. Under a supervisor the settings come by message; alone, from the environment.
 * An error that `start` throws ends the process: a StartProblem in words, anything else with its stack.
 */
export function runChild(
  role: 'collector' | 'engine',
  start: (settings: ServerSettings) => Promise<RunningRole>,
): void {
  const supervised = process.send !== undefined;
  let running: Promise<RunningRole> | undefined;
  let stopping = false;

  async function begin(settings: ServerSettings): Promise<void> {
    running = lockFolder(settings.dataPath, role, LOCK_WAIT_MS).then(() => {
      // A socket outlives a killed process as a file that can't be listened on; the lock says that it is nobody's.
      if (role === 'engine') rmSync(settings.engineSocketPath, { force: true });
      return start(settings);
    });
    try {
      const { address } = await running;
      if (process.connected) process.send?.({ type: 'ready', address } satisfies FromChild);
      else process.stdout.write(`tidemark: the ${role} listens on ${address}\n`);
    } catch (error) {
      fail(error);
    }
  }

  async function end(withinMs?: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    if (withinMs !== undefined) setTimeout(() => process.exit(1), withinMs).unref();
    try {
      await (await running)?.stop();
      process.exit(0);
    } catch (error) {
      process.stderr.write(`tidemark: the ${role} did not stop cleanly: ${stackOf(error)}\n`);
      process.exit(1);
    }
  }

  // A full disk fails appends and positions, which is dealt with where they are awaited; it must not end the process.
  process.on('unhandledRejection', (reason) => {
    if (!isCommitEcho(reason)) throw reason;
  });
  // Ctrl-C reaches the whole process group; under a supervisor only its word counts, so that intake drains first.
  process.on('SIGINT', () => (supervised ? undefined : void end()));
  process.on('SIGTERM', () => void end());
  if (supervised) {
    process.on('disconnect', () => void end(ORPHAN_STOP_MS));
    process.on('message', (message: ToChild) => void (message.type === 'start' ? begin(message.settings) : end()));
  } else {
    try {
      void begin(readSettings({}, process.env));
    } catch (error) {
      fail(error);
    }
  }
}

function fail(error: unknown): void {
  process.exitCode = 1;
  const known = error instanceof StartProblem;
  if (known && process.connected) {
    const { code, message: sentence, fix } = error;
    // The message must have left before the process does.
    process.send?.({ type: 'failed', code, sentence, fix } satisfies FromChild, () => process.exit(1));
    return;
  }
  process.stderr.write(known ? `tidemark: ${error.message}\n  Fix: ${error.fix}\n` : `${stackOf(error)}\n`);
  process.exit(1);
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
