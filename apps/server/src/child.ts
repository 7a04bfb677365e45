/**
 * The frame around the collector's and the engine's process: takes the settings, holds the role's lock on the data
 * folder, says when it is ready, and stops when told to.
 *
 *     start ── lock ── `start(settings)` ── ready ┄┄ stop | SIGTERM | the supervisor is gone ── `stop()` ── exit 0
 *                └──────────┴── StartProblem: told to the supervisor, exit 1
 */
import type { SendHandle } from 'node:child_process';
import { rmSync } from 'node:fs';
import { isCommitEcho } from '@tidemark/log';
import { StartProblem } from './start-problem.ts';
import type { FromChild, ListeningSocket, ToChild } from './child-messages.ts';
import { readSettings } from './settings.ts';
import type { ServerSettings } from './settings.ts';
import { lockFolder } from './start/folder-lock.ts';

export interface RunningRole {
  /** Where it listens: a URL or the path of a socket. */
  address: string;
  /** What the supervisor is to keep open over a restart of this process. */
  listener?: ListeningSocket;
  /** Finishes what is under way, within `drainMs` when given, and lets go of everything. */
  stop(drainMs?: number): Promise<void>;
}

/** What a role is given besides its settings. */
export interface RoleContext {
  /** Of the process before: to be listened on in place of a new one. */
  listener: ListeningSocket | undefined;
  /** Aborted when the process is told to stop: a start need not wait for anything any more. */
  stopped: AbortSignal;
  /** Tells the operator something, in a sentence. */
  tell(sentence: string): void;
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
  start: (settings: ServerSettings, context: RoleContext) => Promise<RunningRole>,
): void {
  const supervised = process.send !== undefined;
  let running: Promise<RunningRole> | undefined;
  const stop = new AbortController();

  async function begin(settings: ServerSettings, listener?: ListeningSocket): Promise<void> {
    running = lockFolder(settings.dataPath, role, LOCK_WAIT_MS).then(() => {
      // A socket outlives a killed process as a file that can't be listened on; the lock says that it is nobody's.
      if (role === 'engine') rmSync(settings.engineSocketPath, { force: true });
      return start(settings, { listener, stopped: stop.signal, tell });
    });
    try {
      const { address, listener: kept } = await running;
      if (process.connected) process.send?.({ type: 'ready', address } satisfies FromChild, kept as SendHandle);
      else process.stdout.write(`tidemark: the ${role} listens on ${address}\n`);
    } catch (error) {
      fail(error);
    }
  }

  async function end({ withinMs, drainMs }: { withinMs?: number; drainMs?: number | undefined } = {}): Promise<void> {
    if (stop.signal.aborted) return;
    stop.abort();
    if (withinMs !== undefined) setTimeout(() => process.exit(1), withinMs).unref();
    // A start that fails meanwhile is told where it was begun.
    const started = await running?.catch(() => undefined);
    if (started === undefined && running !== undefined) return;
    try {
      await started?.stop(drainMs);
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
    process.on('disconnect', () => void end({ withinMs: ORPHAN_STOP_MS }));
    process.on('message', (message: ToChild, listener?: ListeningSocket) => {
      void (message.type === 'start' ? begin(message.settings, listener) : end(message));
    });
    process.send?.({ type: 'loaded' } satisfies FromChild);
  } else {
    try {
      void begin(readSettings({}, process.env));
    } catch (error) {
      fail(error);
    }
  }
}

function tell(sentence: string): void {
  if (process.connected) process.send?.({ type: 'note', sentence } satisfies FromChild);
  else process.stderr.write(`tidemark: ${sentence}\n`);
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
