/** The supervisor over real processes: stand-ins that listen, crash, hang or refuse as they are told. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { rolldown } from 'rolldown';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../settings.ts';
import { StartProblem } from '../start-problem.ts';
import { lockFolder } from './folder-lock.ts';
import { startServer } from './server.ts';
import type { RunningServer, ServerOptions } from './server.ts';

// Inside the repository, so that the programs find node_modules.
let programs: string;
const folders: string[] = [];
const running: RunningServer[] = [];

beforeAll(async () => {
  programs = mkdtempSync(join(import.meta.dirname, '../../../../dist.test-'));
  const bundle = await rolldown({
    input: join(import.meta.dirname, 'stand-in-process.ts'),
    platform: 'node',
    external: (id) => id === 'libsql' || id.startsWith('node:'),
    resolve: { conditionNames: ['tidemark-source'] },
  });
  await bundle.write({ file: join(programs, 'collector.mjs'), format: 'esm' });
  cpSync(join(programs, 'collector.mjs'), join(programs, 'engine.mjs'));
});
afterEach(async () => {
  delete process.env['STAND_IN_COLLECTOR'];
  delete process.env['STAND_IN_ENGINE'];
  for (const server of running.splice(0)) {
    server.kill();
    await server.stop();
  }
});
afterAll(() => {
  for (const folder of [programs, ...folders]) rmSync(folder, { recursive: true, force: true });
});

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidemark-server-'));
  folders.push(folder);
  return folder;
}

function optionsFor(dataPath: string, said: string[] = [], port = '0'): ServerOptions {
  return {
    settings: readSettings({ data: dataPath, port }, {}),
    version: '0.0.0',
    presets: {},
    programs: { collector: join(programs, 'collector.mjs'), engine: join(programs, 'engine.mjs') },
    say: (sentence) => said.push(sentence),
    lockWaitMs: 300,
    backoffMs: [0, 50],
  };
}

async function start(options: ServerOptions): Promise<RunningServer> {
  const server = await startServer(options);
  running.push(server);
  return server;
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end; await delay(20)) if (await holds()) return;
  throw new Error('what was waited for did not come within a minute');
}

function problemCode(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'started',
    (error: unknown) => (error instanceof StartProblem ? error.code : String(error)),
  );
}

describe('a start', () => {
  it('makes the folder, the first project and both processes, and stops the collector first', async () => {
    const dataPath = join(newFolder(), 'new', 'data');
    const server = await start(optionsFor(dataPath));
    expect(server.firstProject.created).toBe(true);
    expect(server.firstProject.writeKey).toMatch(/^c.{24}$/);
    expect(await (await fetch(server.url)).text()).toBe(String(server.pids.collector));
    expect(JSON.parse(readFileSync(join(dataPath, 'format.json'), 'utf8'))).toMatchObject({ format: 1 });

    await server.stop();
    await server.stop();
    const notes = readFileSync(join(dataPath, 'run', 'notes'), 'utf8')
      .trim()
      .split('\n');
    expect(notes.slice(-2)).toEqual(['collector stopped', 'engine stopped']);
    const again = await start(optionsFor(dataPath));
    expect(again.firstProject).toMatchObject({ created: false, apiToken: undefined });
    expect(again.firstProject.writeKey).toBe(server.firstProject.writeKey);
  });

  it('starts each process again when it is killed, however often', async () => {
    const said: string[] = [];
    const dataPath = newFolder();
    const server = await start(optionsFor(dataPath, said));
    for (const role of ['collector', 'engine', 'engine', 'engine', 'engine'] as const) {
      const before = server.pids[role];
      process.kill(before!, 'SIGKILL');
      await until(() => server.pids[role] !== before && said.at(-1) === `The ${role} process is back.`);
    }
    // The port that the system chose is still the same.
    expect(await (await fetch(server.url)).text()).toBe(String(server.pids.collector));
    expect(said).toContain('The engine process is gone: it was killed by SIGKILL. Starting it again now.');
  });

  it('kills a process that hangs when told to stop again', async () => {
    process.env['STAND_IN_ENGINE'] = 'hang';
    const server = await start(optionsFor(newFolder()));
    const stopping = server.stop();
    await delay(300);
    server.kill();
    await stopping;
    expect(server.pids).toEqual({ collector: undefined, engine: undefined });
  });

  it('lets nothing live on when a process refuses or crashes at first', async () => {
    for (const [behaviour, code] of [
      ['refuse', 'refused'],
      ['crash', 'engine_crashed'],
    ] as const) {
      process.env['STAND_IN_ENGINE'] = behaviour;
      const dataPath = newFolder();
      const said: string[] = [];
      expect(await problemCode(start(optionsFor(dataPath, said)))).toBe(code);
      // The token of a first start is not lost with it.
      expect(said.some((sentence) => /API token \S+ /.test(sentence))).toBe(true);
      (await lockFolder(dataPath, 'collector', 0)).release();
    }
  });

  it('stops again when told so while it starts', async () => {
    const stop = new AbortController();
    const dataPath = newFolder();
    const starting = problemCode(start({ ...optionsFor(dataPath), signal: stop.signal }));
    await until(() => readNotes(dataPath) !== '' || stop.signal.aborted);
    stop.abort();
    expect(['stopped', 'started']).toContain(await starting);
  });
});

function readNotes(dataPath: string): string {
  try {
    return readFileSync(join(dataPath, 'run', 'notes'), 'utf8');
  } catch {
    return '';
  }
}

describe('a start is refused with one sentence and one fix', () => {
  it('when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    expect(await problemCode(start(optionsFor(newFolder(), [], String(port))))).toBe('port_taken');
    await new Promise((resolve) => other.close(resolve));
  });

  it('when another server has the folder, until that one lets go', async () => {
    const dataPath = newFolder();
    const first = await start(optionsFor(dataPath));
    expect(await problemCode(start(optionsFor(dataPath)))).toBe('data_in_use');
    const said: string[] = [];
    const second = start({ ...optionsFor(dataPath, said), lockWaitMs: 10_000 });
    await until(() => said.length > 0);
    await first.stop();
    expect((await second).pids.engine).toBeTypeOf('number');
  });

  it('when the data is a file, foreign, newer, or says no format', async () => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, '');
    expect(await problemCode(start(optionsFor(file)))).toBe('data_not_a_folder');
    const foreign = newFolder();
    writeFileSync(join(foreign, 'thesis.doc'), '');
    expect(await problemCode(start(optionsFor(foreign)))).toBe('data_foreign');
    const newer = newFolder();
    writeFileSync(join(newer, 'format.json'), '{"format":999}');
    expect(await problemCode(start(optionsFor(newer)))).toBe('data_newer');
    writeFileSync(join(newer, 'format.json'), '{"for');
    expect(await problemCode(start(optionsFor(newer)))).toBe('data_format_unreadable');
  });
});

describe('when the supervisor is killed', () => {
  it('its processes stop by themselves and the folder can be used again', async () => {
    const dataPath = newFolder();
    // A supervisor of one child, in a process of its own that can be killed.
    const parent = spawn(process.execPath, [
      '--input-type=module',
      '--eval',
      `import { fork } from 'node:child_process';
       const child = fork(${JSON.stringify(join(programs, 'collector.mjs'))}, { execArgv: [] });
       child.send({ type: 'start', settings: ${JSON.stringify(readSettings({ data: dataPath, port: '0' }, {}))} });
       child.on('message', ({ type }) => type === 'ready' && console.log('ready'));`,
    ]);
    await new Promise((resolve) => parent.stdout.once('data', resolve));
    expect(await problemCode(lockFolder(dataPath, 'collector', 0))).toBe('data_in_use');
    parent.kill('SIGKILL');
    (await lockFolder(dataPath, 'collector', 10_000)).release();
    expect(readNotes(dataPath)).toContain('collector stopped');
  });
});
