/**
 * Keeps one child process running.
 *
 *     starting ──ready──> running ──dies──> waiting (backoff) ──> starting …
 *        └─ dies before it was ever ready: a told problem, or three deaths in a row, end it for good
 *     running ──restart()──> a successor loads its program, the child stops, the successor starts ──ready──> running
 *     any ──stop()──> stopping ──exit, or SIGKILL after the timeout──> stopped
 *
 * The socket on which a child listens is kept here too. So connections that come between two children wait for the next
 * one, and are not refused.
 */
import type { ListeningSocket } from '../child-messages.ts';
import type { ServerSettings } from '../settings.ts';
import { StartProblem, stoppedWhileStarting } from '../start-problem.ts';
import { deferred } from './deferred.ts';
import { LaunchedProcess } from './launched-process.ts';

export interface SupervisedProcess {
  readonly name: string;
  /** Id of the process running now. */
  readonly pid: number | undefined;
  /** Resolves with the address when the child is ready for the first time; rejects with StartProblem. */
  readonly firstReady: Promise<string>;
  /**
   * Puts a new process in the place of the running one, which has `drainMs` for what it has in hand and is killed after
   * `timeoutMs`. Resolves, when the new one is ready, with how long there was none, in ms.
   * Rejects with RestartFailed when it is not running, or no new one can be loaded: it then runs on.
   */
  restart(options: { drainMs: number; timeoutMs: number }): Promise<number>;
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
  /** Something the child has to tell the operator, in a sentence. */
  onNote(sentence: string): void;
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
/** A program that takes longer to load is broken. */
const LOAD_MS = 30_000;
/** Connections wait for a child that comes back sooner; else they are refused, so that senders look elsewhere. */
const MAX_WAIT_UNANSWERED_MS = 1_000;

export function superviseProcess(options: SupervisionOptions): SupervisedProcess {
  const { name, file, settings, onDeath, onNote, onRecovered, backoffMs = BACKOFF_MS } = options;
  const first = deferred<string>();
  const gone = deferred<void>();
  let child: LaunchedProcess | undefined;
  /** The other process of a restart: first the one to come, then the one that goes. */
  let other: LaunchedProcess | undefined;
  let relaunch: NodeJS.Timeout | undefined;
  let listener: ListeningSocket | undefined;
  let everReady = false;
  let stopping = false;
  let deathsInARow = 0;

  function launch(): void {
    begin(new LaunchedProcess(name, file));
  }

  function begin(started: LaunchedProcess): void {
    const startedAt = performance.now();
    child = started;
    started.onNote = onNote;
    void started.ready.then(({ address, listener: kept }) => {
      listener = kept ?? listener;
      if (everReady) onRecovered();
      everReady = true;
      first.resolve(address);
    });
    void started.exited.then(({ code, signal, problem }) => {
      if (performance.now() - startedAt >= STEADY_MS) deathsInARow = 0;
      if (child === started) died(code, signal, problem);
    });
    started.send({ type: 'start', settings }, listener);
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
    // Who has to wait for long is told so at once.
    if (restartInMs > MAX_WAIT_UNANSWERED_MS) letGo();
    onDeath({ code, signal, restartInMs, problem });
    relaunch = setTimeout(launch, restartInMs);
  }

  async function restart({ drainMs, timeoutMs }: { drainMs: number; timeoutMs: number }): Promise<number> {
    const leaving = child;
    if (stopping || other !== undefined || leaving === undefined || !everReady) {
      throw restartFailed(name, 'it is not running, or is being restarted already');
    }
    const next = (other = new LaunchedProcess(name, file));
    try {
      await within(LOAD_MS, next.loaded);
    } catch (error) {
      other = undefined;
      next.kill();
      throw restartFailed(name, `the new process could not be loaded (${error instanceof Error ? error.message : String(error)})`);
    }
    other = undefined;
    if (stopping || child !== leaving) {
      next.kill();
      throw restartFailed(name, 'it ended by itself meanwhile');
    }
    // From here on its end is no death.
    child = next;
    other = leaving;
    const awaySince = performance.now();
    const timer = setTimeout(() => leaving.kill(), timeoutMs);
    leaving.send({ type: 'stop', drainMs });
    await leaving.exited;
    other = undefined;
    clearTimeout(timer);
    if (stopping) {
      next.kill();
      gone.resolve(undefined);
      throw restartFailed(name, 'the server was stopped meanwhile');
    }
    begin(next);
    await Promise.race([next.ready, next.exited.then(() => Promise.reject(restartFailed(name, 'the new process ended before it was ready')))]);
    return performance.now() - awaySince;
  }

  async function stop(timeoutMs: number): Promise<void> {
    if (!stopping) {
      stopping = true;
      clearTimeout(relaunch);
      letGo();
      first.reject(stoppedWhileStarting());
      if (!child) gone.resolve(undefined);
      else child.send({ type: 'stop' });
    }
    const timer = setTimeout(kill, timeoutMs);
    await gone.promise;
    clearTimeout(timer);
  }

  function kill(): void {
    child?.kill();
    other?.kill();
  }

  function letGo(): void {
    listener?.close();
    listener = undefined;
  }

  first.promise.catch(() => {});
  launch();
  return {
    name,
    get pid() {
      return child?.pid;
    },
    firstReady: first.promise,
    restart,
    stop,
    kill,
  };
}

async function within<Result>(ms: number, promise: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms / 1000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Says in a sentence what stands now. */
class RestartFailed extends Error {}

function restartFailed(name: string, why: string): RestartFailed {
  return new RestartFailed(`The ${name} process was not restarted: ${why}.`);
}

function crashed(name: string, code: number | null, signal: NodeJS.Signals | null): StartProblem {
  const how = signal ? `was killed by ${signal}` : `ended with code ${code}`;
  return new StartProblem(
    `${name}_crashed`,
    `The ${name} process ${how} ${MAX_DEATHS_BEFORE_READY} times before it was ready.`,
    'read its words above; `tidemark doctor` checks the machine and the data folder.',
  );
}
