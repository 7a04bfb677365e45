import { fork } from 'node:child_process';
import type { ChildProcess, SendHandle } from 'node:child_process';
import type { FromChild, ListeningSocket, ToChild } from '../child-messages.ts';
import { StartProblem } from '../start-problem.ts';
import { deferred } from './deferred.ts';

/**
 * Every event is a few dozen short-lived objects. With V8's 16 MB of young space they outlive its collections and are
 * copied; with 32 MB and with 64 MB admission costs 12 us of CPU an event instead of 20 (measured on 2 cores, Node 20.20), and 32 MB take
 * 100 MB less of memory at full load.
 */
const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = { collector: ['--max-semi-space-size=32'] };

/**
 * chDB's allocator keeps what was freed for five seconds before it gives it back. Ranges, merges and compaction take turns, so that it
 * kept what the one had taken beside what the next one took: with two seconds the engine had 886 and 923 MiB at the most in 70 s of full
 * load, with five 991 and 1,033, at the same rate (2026-11-23; one second cost a tenth of the CPU in page faults).
 */
const ENVIRONMENT: Readonly<Record<string, Readonly<Record<string, string>>>> = { engine: { JE_MALLOC_CONF: 'dirty_decay_ms:2000' } };

export interface Ready {
  address: string;
  /** The socket on which it listens, if it is to be kept. */
  listener: ListeningSocket | undefined;
}

export interface End {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** What it told of itself before, if anything. */
  problem: StartProblem | undefined;
}

/** One process of a role, and what it has said of itself. */
export class LaunchedProcess {
  /** The program is loaded and waits for its settings. Rejects when it ends before. */
  readonly loaded: Promise<void>;
  /** Never settles when it ends before. */
  readonly ready: Promise<Ready>;
  readonly exited: Promise<End>;
  onNote: (sentence: string) => void = () => {};
  readonly #process: ChildProcess;

  /** `file`: the role's program, a JavaScript file. It waits for `start`. */
  constructor(name: string, file: string) {
    const loaded = deferred<void>();
    const ready = deferred<Ready>();
    const exited = deferred<End>();
    let problem: StartProblem | undefined;
    const child = fork(file, [], { serialization: 'json', env: { ...ENVIRONMENT[name], ...process.env }, execArgv: [...process.execArgv, ...(NODE_FLAGS[name] ?? [])] });
    // A failed spawn is followed by no 'exit'; a failed send is, by the death that caused it.
    child.on('error', (error) => {
      if (child.pid === undefined) exited.resolve({ code: null, signal: null, problem: spawnFailed(name, error) });
    });
    child.on('message', (message: FromChild, listener?: unknown) => {
      if (message.type === 'loaded') loaded.resolve(undefined);
      else if (message.type === 'note') this.onNote(message.sentence);
      else if (message.type === 'failed') problem = new StartProblem(message.code, message.sentence, message.fix);
      else ready.resolve({ address: message.address, listener: listener as ListeningSocket | undefined });
    });
    child.on('exit', (code, signal) => exited.resolve({ code, signal, problem }));
    void exited.promise.then(({ code, signal }) => loaded.reject(new Error(`it ended with ${signal ?? `code ${code}`}`)));
    loaded.promise.catch(() => {});
    this.loaded = loaded.promise;
    this.ready = ready.promise;
    this.exited = exited.promise;
    this.#process = child;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  send(message: ToChild, listener?: ListeningSocket): void {
    this.#process.send(message, listener as SendHandle | undefined, () => {});
  }

  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

function spawnFailed(name: string, cause: Error): StartProblem {
  return new StartProblem(
    'spawn_failed',
    `The ${name} process could not be started: ${cause.message}.`,
    'check the limits on memory and processes of this user.',
    { cause },
  );
}

