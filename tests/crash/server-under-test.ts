/** A real server in a fresh folder, whose processes can be killed one by one. Linux only: it reads /proc. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const WRITE_KEY = 'ccrashcrashcrashcrashcras';
export const API_TOKEN = 'crashcrashcrashcrashcrashcrash';
const PROGRAM = fileURLToPath(new URL('../../bin/tidemark.mjs', import.meta.url));

export class ServerUnderTest {
  readonly dataPath: string;
  readonly #process: ChildProcess;
  readonly url: string;
  #output = '';

  static async start(dataPath = mkdtempSync(join(tmpdir(), 'tidemark-crash-'))): Promise<ServerUnderTest> {
    const child = spawn(process.execPath, [PROGRAM, 'start', '--data', dataPath, '--port', String(await freePort())], {
      env: { ...process.env, TIDEMARK_WRITE_KEY: WRITE_KEY, TIDEMARK_API_TOKEN: API_TOKEN },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stderr!.on('data', (chunk) => (output += String(chunk)));
    for await (const chunk of child.stdout!) {
      output += String(chunk);
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url !== undefined) {
        const server = new ServerUnderTest(child, dataPath, url);
        child.stdout!.on('data', (more) => (server.#output += String(more)));
        child.stderr!.on('data', (more) => (server.#output += String(more)));
        return server;
      }
    }
    throw new Error(`the server did not start:\n${output}`);
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
    const pid = this.#childPid(role);
    if (pid === undefined) return false;
    process.kill(pid, 'SIGKILL');
    return true;
  }

  async ready(withinMs = 60_000): Promise<void> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const ok = await fetch(`${this.url}/readyz`).then((response) => response.ok, () => false);
      if (ok) return;
      if (Date.now() > deadline) throw new Error(`not ready within ${withinMs} ms:\n${this.#output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async ask<Answer>(path: string, body?: unknown): Promise<Answer> {
    const response = await this.request(path, body);
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  request(path: string, body?: unknown): Promise<Response> {
    const method = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
    return fetch(`${this.url}${path}`, { ...method, headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' } });
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dataPath, { recursive: true, force: true });
  }

  /** Below our child stands the program itself or, when it ran through a launcher, one process more. */
  #childPid(role: string): number | undefined {
    const queue = [this.#process.pid!];
    for (let pid = queue.shift(); pid !== undefined; pid = queue.shift()) {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        if (command.includes(`${role}-process`)) return pid;
        queue.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number));
      } catch {
        // It has ended since its parent was asked.
      }
    }
    return undefined;
  }
}

/** A killed collector must come back where it was, so the port can't be left to the system. */
async function freePort(): Promise<number> {
  const probe = createServer();
  probe.listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
