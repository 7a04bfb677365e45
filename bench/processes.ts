/** Starts what is measured, each in processes of its own, in a fresh data folder. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openControl } from '@tidemark/control';
import type { LoadPlan, LoadResult } from './load.ts';

export const WRITE_KEY = 'cbenchbenchbenchbenchbenc';
export const API_TOKEN = 'benchbenchbenchbenchbenchbench';
const DIST = fileURLToPath(new URL('..', import.meta.url));

export interface Running {
  port: number;
  stop(): Promise<void>;
}

export function newDataFolder(): string {
  return mkdtempSync(join(process.env['TIDEMARK_BENCH_DIR'] ?? tmpdir(), 'tidemark-bench-'));
}

export async function startBareServer(): Promise<Running> {
  const child = fork(join(DIST, 'bench/bare-server.mjs'));
  const [port] = (await once(child, 'message')) as [number];
  return { port, stop: () => stopChild(child) };
}

/** The collector alone, with the flags that the supervisor gives it: log and all, but no engine behind it. */
export async function startCollector(dataPath = newDataFolder()): Promise<Running> {
  mkdirSync(join(dataPath, 'control'), { recursive: true });
  const control = await openControl(join(dataPath, 'control', 'control.db'));
  await control.ensureFirstProject({ writeKey: WRITE_KEY, apiToken: API_TOKEN });
  await control.close();
  const child = spawn(process.execPath, ['--max-semi-space-size=64', join(DIST, 'collector-process.mjs')], {
    env: { ...process.env, TIDEMARK_DATA: dataPath, TIDEMARK_PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await portIn(child, /listens on http:\/\/127\.0\.0\.1:(\d+)/);
  return { port, stop: () => stopChild(child).then(() => rmSync(dataPath, { recursive: true, force: true })) };
}

/** The whole server, as `tidemark start` runs it. */
export async function startServer(dataPath = newDataFolder(), keep = false): Promise<Running & { dataPath: string }> {
  const child = spawn(process.execPath, [join(DIST, '..', 'bin', 'tidemark.mjs'), 'start', '--data', dataPath, '--port', '0'], {
    env: { ...process.env, TIDEMARK_WRITE_KEY: WRITE_KEY, TIDEMARK_API_TOKEN: API_TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const port = await portIn(child, /http:\/\/127\.0\.0\.1:(\d+)/);
  return {
    port,
    dataPath,
    stop: () => stopChild(child).then(() => (keep ? undefined : rmSync(dataPath, { recursive: true, force: true }))),
  };
}

export async function generate(plan: LoadPlan): Promise<LoadResult> {
  const child = fork(join(DIST, 'bench/generator-process.mjs'));
  child.send(plan);
  const [result] = (await once(child, 'message')) as [LoadResult];
  return result;
}

/** Asks the server; throws with its words when it does not answer 2xx. */
export async function ask<Answer>(port: number, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    headers: { authorization: `Bearer ${API_TOKEN}`, 'content-type': 'application/json' },
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}

async function portIn(child: ChildProcess, pattern: RegExp): Promise<number> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) {
      child.stdout!.resume();
      return Number(found);
    }
  }
  throw new Error(`the process ended without a port:\n${text}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
