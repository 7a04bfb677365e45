/**
 * A real server in a folder of its own, started through bin/tidemark.mjs; its processes can be killed one by one.
 * Killing is for Linux only: it reads /proc.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const WRITE_KEY = 'ctestkeytestkeytestkeytes';
export const API_TOKEN = 'testtokentesttokentesttokentest';
export const PROGRAM = fileURLToPath(new URL('../bin/tidemark.mjs', import.meta.url));

export interface StartOptions {
  /** A fresh folder when absent. */
  dataPath?: string;
  /** 0, the default, lets the system choose; a killed collector comes back where it was all the same. */
  port?: number;
  env?: Record<string, string>;
}

/** What came in, and what became of it. */
export type Balance = Record<'received' | 'stored' | 'duplicate' | 'quarantined' | 'filtered' | 'rejected' | 'pending' | 'difference', number>;

export class ServerUnderTest {
  readonly dataPath: string;
  readonly url: string;
  readonly #process: ChildProcess;
  #output = '';

  static async start({ dataPath = freshFolder(), port = 0, env = {} }: StartOptions = {}): Promise<ServerUnderTest> {
    const child = spawn(process.execPath, [PROGRAM, 'start', '--data', dataPath, '--port', String(port)], {
      env: { ...process.env, TIDEMARK_WRITE_KEY: WRITE_KEY, TIDEMARK_API_TOKEN: API_TOKEN, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      const hear = (chunk: Buffer): void => {
        output += String(chunk);
        const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
        // The port that was asked for may stand in a sentence about why it can't be had.
        if (found !== undefined && output.includes('is running')) resolve(found);
      };
      child.stdout!.on('data', hear);
      child.stderr!.on('data', hear);
      child.once('close', () => reject(new Error(`the server did not start:\n${output}`)));
    });
    const server = new ServerUnderTest(child, dataPath, url);
    server.#output = output;
    child.stdout!.on('data', (more) => (server.#output += String(more)));
    child.stderr!.on('data', (more) => (server.#output += String(more)));
    return server;
  }

  private constructor(child: ChildProcess, dataPath: string, url: string) {
    this.#process = child;
    this.dataPath = dataPath;
    this.url = url;
  }

  /** What the server has said since its start. */
  get output(): string {
    return this.#output;
  }

  /** Kills -9 a role's process; false when it is not running just now. */
  kill(role: 'collector' | 'engine'): boolean {
    return this.signal(role, 'SIGKILL');
  }

  signal(role: 'collector' | 'engine', signal: NodeJS.Signals): boolean {
    const [pid] = this.processes(`${role}-process`);
    if (pid === undefined) return false;
    process.kill(pid, signal);
    return true;
  }

  async ready(withinMs = 150_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const ok = await fetch(`${this.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (ok) return;
      if (Date.now() > deadline) throw new Error(`not ready within ${withinMs} ms:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Waits until nothing that was received waits to be stored; an engine may be on its way back meanwhile. */
  async drained(withinMs = 150_000): Promise<Balance> {
    for (const deadline = Date.now() + withinMs; ; ) {
      const asked = await this.ask<{ balance: Balance }>('/api/pipeline').catch(String);
      // It does not pass by itself.
      if (typeof asked === 'string' && asked.includes('"code":"store_damaged"')) throw new Error(`${asked}\n${this.#output}`);
      if (typeof asked === 'object' && asked.balance.pending === 0) return asked.balance;
      if (Date.now() > deadline) throw new Error(`still pending: ${JSON.stringify(asked)}\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async ask<Answer>(path: string, body?: unknown): Promise<Answer> {
    const response = await this.request(path, body);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  request(path: string, body?: unknown, method = body === undefined ? 'GET' : 'POST'): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
    });
  }

  /** Sends SIGTERM and waits for the end; resolves with the exit code. */
  async end(): Promise<number | null> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    return this.#process.exitCode;
  }

  /** Ends the server and removes its folder. */
  async stop(): Promise<void> {
    await this.end();
    rmSync(this.dataPath, { recursive: true, force: true });
  }

  /** Those of this server's processes that run the program of that name, however deep they stand below our child; not what starts them. */
  processes(program: string): number[] {
    const found: number[] = [];
    const queue = [this.#process.pid!];
    for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
      try {
        const [file, ...words] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        if (file === process.execPath && words.some((word) => word.includes(program))) found.push(pid);
        queue.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
      } catch {
        // It has ended since its parent was asked.
      }
    }
    return found;
  }
}

export function freshFolder(): string {
  return mkdtempSync(join(tmpdir(), 'tidemark-test-'));
}
