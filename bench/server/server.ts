/**
 * The whole server, as `tidemark start` runs it, with what measures do to it: hold a process still, kill all of them,
 * look at them. It runs from a copy of dist/ that this run of the benchmarks has made, so that nobody's build changes
 * what is being measured.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Api } from './api.ts';
import { processTree, type TreeProcess } from './process-tree.ts';
import { newFolder, removeFolder } from './temporary.ts';

export const WRITE_KEY = 'cbenchbenchbenchbenchbenc';
export const API_TOKEN = 'benchbenchbenchbenchbenchbench';

export const PROGRAM = fileURLToPath(new URL('../bin/tidemark.mjs', import.meta.url));
const PRELOADS = fileURLToPath(new URL('./preload/', import.meta.url));

export interface ServerOptions {
  /** A fresh folder when absent, removed when the server stops. */
  dataPath?: string;
  /** Scripts of bench/preload that run first in each of its processes. */
  preload?: readonly string[];
  env?: Record<string, string>;
  program?: string;
}

type Role = 'collector' | 'engine';

export class Server {
  readonly port: number;
  readonly dataPath: string;
  readonly api: Api;
  readonly #child: ChildProcess;
  readonly #output: string[];
  readonly #ownsFolder: boolean;

  /** Resolves once both processes are ready. */
  static async start(options: ServerOptions = {}): Promise<Server> {
    const { server, ready } = Server.spawn(options);
    await ready;
    return server();
  }

  /** The same, for a measure that watches the start: `ready` resolves with it, `server` may be called from then on. */
  static spawn({ dataPath, preload = [], env = {}, program = PROGRAM }: ServerOptions & { port?: number }, port = 0) {
    const folder = dataPath ?? newFolder();
    const required = preload.map((name) => `--require=${join(PRELOADS, name)}`);
    const child = spawn(process.execPath, [program, 'start', '--data', folder, '--port', String(port)], {
      env: {
        ...process.env,
        ...(required.length === 0 ? {} : { NODE_OPTIONS: required.join(' ') }),
        TIDEMARK_WRITE_KEY: WRITE_KEY,
        TIDEMARK_API_TOKEN: API_TOKEN,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const output: string[] = [];
    let listens = 0;
    const ready = new Promise<void>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        output.push(String(chunk));
        if (listens !== 0) return;
        const text = output.join('');
        const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(text)?.[1];
        // A port may also stand in a sentence about why it can't be had.
        if (found === undefined || !text.includes('is running')) return;
        listens = Number(found);
        resolve();
      };
      child.stdout.on('data', hear);
      child.stderr.on('data', hear);
      child.once('close', () => reject(new Error(`the server did not start:\n${output.join('')}`)));
    });
    return { child, ready, server: () => new Server(child, listens, folder, dataPath === undefined, output) };
  }

  private constructor(child: ChildProcess, port: number, dataPath: string, ownsFolder: boolean, output: string[]) {
    this.#child = child;
    this.port = port;
    this.dataPath = dataPath;
    this.#ownsFolder = ownsFolder;
    this.#output = output;
    this.api = new Api(port, API_TOKEN);
  }

  /** What the server has said since its start. */
  get output(): string {
    return this.#output.join('');
  }

  processes(): TreeProcess[] {
    return processTree(this.#child.pid!);
  }

  /** Holds a process still until `resume`; its memory, files and sockets stay as they are. */
  pause(role: Role): void {
    this.#signal(role, 'SIGSTOP');
  }

  resume(role: Role): void {
    this.#signal(role, 'SIGCONT');
  }

  /** kill -9 of all its processes; the folder stays. */
  async kill9(): Promise<void> {
    const ended = once(this.#child, 'exit');
    for (const { pid } of this.processes()) process.kill(pid, 'SIGKILL');
    await ended;
  }

  /** Stops it as an operator would; throws when it had gone wrong meanwhile. */
  async stop({ keepFolder = !this.#ownsFolder } = {}): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGTERM');
      await ended;
    }
    if (!keepFolder) removeFolder(this.dataPath);
    const trouble = this.#output.join('').split('\n').filter((line) => /"level":50|process is gone/.test(line));
    if (trouble.length > 0) throw new Error(`the server had trouble while it was measured:\n${trouble.slice(0, 5).join('\n')}`);
  }

  #signal(role: Role, signal: NodeJS.Signals): void {
    const found = this.processes().find((each) => each.role === role);
    if (found === undefined) throw new Error(`the ${role} is not running:\n${this.output}`);
    process.kill(found.pid, signal);
  }
}
