/**
 * Keeps one child process running.
 *
 *     starting ──ready──> running ──dies──> waiting (backoff) ──> starting …
 *        └─ dies before it was ever ready: a told problem, or three deaths in a row, end it for good
 *     any ──stop()──> stopping ──exit, or SIGKILL after the timeout──> stopped
 */
import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import type { FromChild, ToChild } from '../child-messages.ts';
import type { ServerSettings } from '../settings.ts';
import { StartProblem, stoppedWhileStarting } from '../start-problem.ts';

export interface SupervisedProcess {
  readonly name: string;
  /** Id of the process running now. */
  readonly pid: number | undefined;
  /** Resolves with the address when the child is ready for the first time; rejects with StartProblem. */
  readonly firstReady: Promise<string>;
  /** Asks the child to finish; kills it after `timeoutMs`. Resolves when it is gone. */
  stop(timeoutMs: number): Promise<void>;
  kill(): void;
}

export interface Death {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** How long until the next one is started. */
  restartInMs: number;
  /** What the child told of itself before, if anything. */
  problem: StartProblem | undefined;
}

export interface SupervisionOptions {
  name: string;
  /** The child's program: a JavaScript file. */
  file: string;
  settings: ServerSettings;
  onDeath(death: Death): void;
  /** Called each time the child is ready again after a death. */
  onRecovered(): void;
  /** Delay before each restart in a row; the last one repeats. */
  backoffMs?: readonly number[];
}

/** The first restart is immediate, as one death is an accident; then slower, as a loop is a fault. */
const BACKOFF_MS = [0, 500, 1_000, 2_000, 5_000, 10_000];
/** A child that ran this long has recovered: its next death is a first one again. */
const STEADY_MS = 60_000;
const MAX_DEATHS_BEFORE_READY = 3;

/**
 * Every event is a few dozen short-lived objects. With V8's 16 MB of young space they outlive its collections and are
 * copied; with 64 MB admission costs 12 us of CPU an event instead of 20 (measured on 2 cores, Node 20.20).
 */
const NODE_FLAGS: Readonly<Record<string, readonly string[]>> = { collector: ['--max-semi-space-size=64'] };

export function superviseProcess(options: SupervisionOptions): SupervisedProcess {
  const { name, file, settings, onDeath, onRecovered, backoffMs = BACKOFF_MS } = options;
  const first = deferred<string>();
  const gone = deferred<void>();
  let child: ChildProcess | undefined;
  let restart: NodeJS.Timeout | undefined;
  let everReady = false;
  let stopping = false;
  let deathsInARow = 0;

  function launch(): void {
    const startedAt = performance.now();
    let problem: StartProblem | undefined;
    const current = fork(file, [], { serialization: 'json', execArgv: [...process.execArgv, ...(NODE_FLAGS[name] ?? [])] });
    child = current;
    // A failed spawn is followed by no 'exit'; a failed send is, by the death that caused it.
    current.on('error', (error) => {
      if (current.pid === undefined) died(null, null, spawnFailed(name, error));
    });
    current.on('message', (message: FromChild) => {
      if (message.type === 'failed') problem = new StartProblem(message.code, message.sentence, message.fix);
      else ready(message.address);
    });
    current.on('exit', (code, signal) => {
      if (performance.now() - startedAt >= STEADY_MS) deathsInARow = 0;
      died(code, signal, problem);
    });
    current.send({ type: 'start', settings } satisfies ToChild, () => {});
  }

  function ready(address: string): void {
    if (everReady) onRecovered();
    everReady = true;
    first.resolve(address);
  }

  function died(code: number | null, signal: NodeJS.Signals | null, problem: StartProblem | undefined): void {
    child = undefined;
    if (stopping) return gone.resolve(undefined);
    deathsInARow++;
    if (!everReady && (problem || deathsInARow >= MAX_DEATHS_BEFORE_READY)) {
      stopping = true;
      gone.resolve(undefined);
      return first.reject(problem ?? crashed(name, code, signal));
    }
    const restartInMs = backoffMs[Math.min(deathsInARow, backoffMs.length) - 1] ?? 0;
    onDeath({ code, signal, restartInMs, problem });
    restart = setTimeout(launch, restartInMs);
  }

  async function stop(timeoutMs: number): Promise<void> {
    if (!stopping) {
      stopping = true;
      clearTimeout(restart);
      first.reject(stoppedWhileStarting());
      if (!child) gone.resolve(undefined);
      else child.send({ type: 'stop' } satisfies ToChild, () => {});
    }
    const timer = setTimeout(kill, timeoutMs);
    await gone.promise;
    clearTimeout(timer);
  }

  function kill(): void {
    child?.kill('SIGKILL');
  }

  first.promise.catch(() => {});
  launch();
  return {
    name,
    get pid() {
      return child?.pid;
    },
    firstReady: first.promise,
    stop,
    kill,
  };
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
}

/** Promise.withResolvers, which Node 20 has not. */
function deferred<T>(): Deferred<T> {
  const made = {} as Deferred<T>;
  made.promise = new Promise<T>((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}

function spawnFailed(name: string, cause: Error): StartProblem {
  return new StartProblem(
    'spawn_failed',
    `The ${name} process could not be started: ${cause.message}.`,
    'check the limits on memory and processes of this user.',
    { cause },
  );
}

function crashed(name: string, code: number | null, signal: NodeJS.Signals | null): StartProblem {
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  return new StartProblem(
    `${name}_crashed`,
    `The ${name} process ${how} ${MAX_DEATHS_BEFORE_READY} times before it was ready.`,
    'read its words above; `tidemark doctor` checks the machine and the data folder.',
  );
}
