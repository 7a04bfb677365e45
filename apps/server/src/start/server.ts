/**
 * The whole server on one machine: checks, the lock, the data folder's format, the first project, then the two
 * processes under supervision. Stopping goes the other way round: intake drains before the engine finishes.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { ControlError, openControl } from '@tidemark/control';
import type { FirstProject, FirstProjectPresets } from '@tidemark/control';
import { StartProblem, stoppedWhileStarting } from '../start-problem.ts';
import type { ServerSettings } from '../settings.ts';
import { lockFolder } from './folder-lock.ts';
import type { FolderLock, Role } from './folder-lock.ts';
import { prepareFormat } from './data-format.ts';
import { freeBytes } from '../disk.ts';
import { checkAddress, checkDataFolder, checkDisk } from './preflight.ts';
import { superviseProcess } from './supervised-process.ts';
import type { Death, SupervisedProcess } from './supervised-process.ts';

export interface ServerOptions {
  settings: ServerSettings;
  version: string;
  presets: FirstProjectPresets;
  /** The programs of the two processes: JavaScript files. */
  programs: { collector: string; engine: string };
  /** Told in plain words what happens, a sentence at a time. */
  say(sentence: string): void;
  /** How long a start waits for a predecessor to let go of the folder. */
  lockWaitMs?: number;
  /** Aborted while starting: everything is stopped again. */
  signal?: AbortSignal;
  backoffMs?: readonly number[];
}

export interface RunningServer {
  /** Where the collector can be reached from this machine, such as `http://127.0.0.1:7070`. */
  url: string;
  freeBytes: number;
  firstProject: FirstProject;
  readonly pids: { collector: number | undefined; engine: number | undefined };
  /**
   * Puts new processes in the place of the running ones, one role after another, while events go on being taken.
   * Resolves with how long each was away, in ms. Rejects with RestartFailed.
   */
  restart(roles: readonly RestartableRole[]): Promise<Restarted[]>;
  /** Drains and stops; safe to call again. */
  stop(): Promise<void>;
  /** Kills both processes at once. */
  kill(): void;
}

export type RestartableRole = 'engine' | 'collector';

export interface Restarted {
  role: RestartableRole;
  awayMs: number;
}

const LOCK_WAIT_MS = 20_000;
/** Requests in hand when the collector is restarted: all others wait for them. A longer one is cut, and sent again. */
const RESTART_DRAIN_MS = 2_000;
/** Requests in flight have their own, shorter, limits; this is for a collector that hangs. */
const COLLECTOR_STOP_MS = 30_000;
/** The engine may be in the middle of a large insert or a merge. */
const ENGINE_STOP_MS = 60_000;

/** @throws StartProblem when it can't run; nothing is left behind then but the data folder. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { say } = options;
  const settings = { ...options.settings, startId: randomUUID() };
  const { dataPath } = settings;
  checkDataFolder(dataPath);
  const free = await freeBytes(dataPath);
  checkDisk(dataPath, free);
  const lock = await lockWhole(options);
  let processes: SupervisedProcess[] = [];
  let firstProject: FirstProject | undefined;
  try {
    for (const sentence of await prepareFormat(dataPath, options.version)) say(sentence);
    await checkAddress(settings.host, settings.port);
    const made = await prepareControl(dataPath, options.presets);
    firstProject = made;
    for (const warning of made.warnings) say(`Note: ${warning}`);
    if (options.signal?.aborted) throw stoppedWhileStarting();
    const engine = supervise('engine', settings, options);
    const collector = supervise('collector', settings, options);
    processes = [collector, engine];
    const giveUp = (): void => void stopAll(processes, lock);
    options.signal?.addEventListener('abort', giveUp, { once: true });
    const [address] = await Promise.all([collector.firstReady, engine.firstReady]);
    // A port that the system chose stays the same when the collector is started again.
    settings.port = Number(new URL(address).port || 80);
    options.signal?.removeEventListener('abort', giveUp);
    return {
      url: reachable(address),
      freeBytes: free,
      firstProject: made,
      get pids() {
        return { collector: collector.pid, engine: engine.pid };
      },
      restart: (roles) => restartAll(roles, { collector, engine }),
      stop: () => stopAll(processes, lock),
      kill: () => processes.forEach((each) => each.kill()),
    };
  } catch (error) {
    // Made by this start and kept as a hash only: it would be lost if it weren't shown now.
    if (firstProject?.created && !options.presets.apiToken)
      say(`The first project was made, with API token ${firstProject.apiToken} (shown this once).`);
    await stopAll(processes, lock);
    throw error;
  }
}

/**
 * Our own lock tells that no supervisor runs; the others', taken for a moment, that the processes of one that was
 * killed are gone too, and with them the port and the stores.
 */
async function lockWhole({ settings, say, signal, lockWaitMs = LOCK_WAIT_MS }: ServerOptions): Promise<FolderLock> {
  const { dataPath } = settings;
  const waiting = {
    onWait: (pid: string): void => say(`waiting for process ${pid} to let go of ${dataPath} …`),
    signal,
  };
  const own = await lockFolder(dataPath, 'supervisor', lockWaitMs, waiting);
  try {
    for (const role of ['collector', 'engine'] satisfies Role[]) {
      (await lockFolder(dataPath, role, lockWaitMs, waiting)).release();
    }
  } catch (error) {
    own.release();
    throw error;
  }
  return own;
}

export function controlPathOf(dataPath: string): string {
  return join(dataPath, 'control', 'control.db');
}

async function prepareControl(dataPath: string, presets: FirstProjectPresets): Promise<FirstProject> {
  try {
    const control = await openControl(controlPathOf(dataPath));
    try {
      return await control.ensureFirstProject(presets);
    } finally {
      await control.close();
    }
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    // Its sentences say what to do after the colon.
    const [sentence = '', ...fix] = error.message.split(': ');
    const words = fix.join(': ') || 'change TIDEMARK_WRITE_KEY or TIDEMARK_API_TOKEN, or unset them.';
    throw new StartProblem(error.code, sentence, words, { cause: error });
  }
}

function supervise(name: 'collector' | 'engine', settings: ServerSettings, options: ServerOptions): SupervisedProcess {
  return superviseProcess({
    name,
    file: options.programs[name],
    settings,
    onDeath: (death) => options.say(deathSentence(name, death)),
    onNote: (sentence) => options.say(`Note: ${sentence}`),
    onRecovered: () => options.say(`The ${name} process is back.`),
    ...(options.backoffMs ? { backoffMs: options.backoffMs } : {}),
  });
}

/** An address that means every network is none to connect to. */
function reachable(address: string): string {
  return address.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:');
}

function deathSentence(name: string, { code, signal, restartInMs, problem }: Death): string {
  const how = problem?.message.replace(/\.$/, '') ?? (signal ? `it was killed by ${signal}` : `it ended with code ${code}`);
  const when = restartInMs === 0 ? 'now' : `in ${restartInMs / 1000} s`;
  return `The ${name} process is gone: ${how}. Starting it again ${when}.`;
}

async function restartAll(roles: readonly RestartableRole[], processes: Record<RestartableRole, SupervisedProcess>): Promise<Restarted[]> {
  const restarted: Restarted[] = [];
  for (const role of roles) {
    const timeoutMs = role === 'collector' ? COLLECTOR_STOP_MS : ENGINE_STOP_MS;
    restarted.push({ role, awayMs: await processes[role].restart({ drainMs: RESTART_DRAIN_MS, timeoutMs }) });
  }
  return restarted;
}

async function stopAll(processes: readonly SupervisedProcess[], lock: FolderLock): Promise<void> {
  for (const each of processes) await each.stop(each.name === 'collector' ? COLLECTOR_STOP_MS : ENGINE_STOP_MS);
  lock.release();
}
