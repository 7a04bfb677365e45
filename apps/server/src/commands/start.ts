import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { Command, Terminal } from '../command.ts';
import { parseFlags } from '../command.ts';
import { readSettings, supervisorSocketPathOf } from '../settings.ts';
import { banner } from '../start/banner.ts';
import { startServer } from '../start/server.ts';
import type { Restarted, RestartableRole, RunningServer, ServerOptions } from '../start/server.ts';
import { removeServerRecord, writeServerRecord } from '../start/server-record.ts';
import { takeOrders } from '../start/supervisor-socket.ts';
import { readVersion } from '../version.ts';

const USAGE = `tidemark start: runs everything on this machine.

  --host ADDRESS    where to listen (TIDEMARK_HOST; default 127.0.0.1)
  --port NUMBER     (TIDEMARK_PORT; default 7070; 0 = any free one)
  --data FOLDER     where everything is kept (TIDEMARK_DATA; default ./data)
  --trust-proxy     take senders' addresses from X-Forwarded-For (TIDEMARK_TRUST_PROXY=on)
  --log-level NAME  debug, info, warn, error or silent (TIDEMARK_LOG_LEVEL; default warn)

Environment only:
  TIDEMARK_WRITE_KEY, TIDEMARK_API_TOKEN   preset the first project's key and token
  TIDEMARK_RATE_LIMIT=off                  lifts the rate limits of all keys

Stop it with Ctrl-C or SIGTERM: intake drains first, then the engine finishes. A second Ctrl-C kills.
SIGUSR2 restarts both processes one after another while events go on being taken, as \`tidemark restart\` does.
`;

/**
 * npm passes Ctrl-C on to us, which the terminal has already done: the two arrive within milliseconds of each other
 * and mean one. Only a later one means "now".
 */
const SAME_SIGNAL_MS = 500;

export const startCommand: Command = {
  name: 'start',
  summary: 'run everything on this machine',
  usage: USAGE,
  async run(args, terminal) {
    const { values } = parseFlags('start', {
      args,
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        data: { type: 'string' },
        'trust-proxy': { type: 'boolean' },
        'log-level': { type: 'string' },
      },
    });
    const { env } = terminal;
    return runUntilSignal(
      {
        settings: readSettings(values, env),
        version: readVersion(),
        presets: { writeKey: env['TIDEMARK_WRITE_KEY'], apiToken: env['TIDEMARK_API_TOKEN'] },
        programs: { collector: programPath('collector'), engine: programPath('engine') },
        say: (sentence) => terminal.err(`tidemark: ${sentence}\n`),
      },
      terminal,
    );
  },
};

function programPath(role: 'collector' | 'engine'): string {
  return fileURLToPath(new URL(`./${role}-process.mjs`, import.meta.url));
}

async function runUntilSignal(options: ServerOptions, terminal: Terminal): Promise<number> {
  const { settings, version } = options;
  const startedAt = performance.now();
  options.say(`starting with data folder ${settings.dataPath} …`);
  const server = await startServer({ ...options, signal: terminal.signal });
  const { url, firstProject } = server;
  writeServerRecord(settings.dataPath, { url, pid: process.pid, version, startedAt: new Date().toISOString() });
  terminal.out(
    banner({
      version,
      url,
      dataPath: settings.dataPath,
      freeBytes: server.freeBytes,
      startupMs: performance.now() - startedAt,
      writeKey: firstProject.writeKey,
      apiToken: firstProject.apiToken,
      apiTokenPreset: Boolean(options.presets.apiToken),
      exampleId: `first-${randomBytes(4).toString('hex')}`,
    }),
  );
  const orders = await takeOrders(supervisorSocketPathOf(settings.dataPath), (roles) => restart(server, roles, options.say));
  const onSignal = (): void => void restart(server, ['engine', 'collector'], options.say).catch(() => {});
  process.on('SIGUSR2', onSignal);
  await aborted(terminal.signal);
  process.off('SIGUSR2', onSignal);
  orders.close();
  return stopOrKill(server, settings.dataPath, options.say);
}

/** Says what happens and how it went; rejects when it went wrong. */
async function restart(server: RunningServer, roles: readonly RestartableRole[], say: (sentence: string) => void): Promise<Restarted[]> {
  say(`restarting: ${roles.join(', then ')} …`);
  try {
    const restarted = await server.restart(roles);
    for (const { role, awayMs } of restarted) say(`restarted the ${role}; it was away for ${(awayMs / 1000).toFixed(1)} s.`);
    return restarted;
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

async function stopOrKill(server: RunningServer, dataPath: string, say: (sentence: string) => void): Promise<number> {
  const stoppingSince = performance.now();
  let killed = false;
  const onSecond = (): void => {
    if (killed || performance.now() - stoppingSince < SAME_SIGNAL_MS) return;
    killed = true;
    say('killing both processes; what was accepted is in the log and is processed at the next start.');
    server.kill();
  };
  process.on('SIGINT', onSecond);
  process.on('SIGTERM', onSecond);
  say('stopping: intake drains, then the engine finishes … (again to kill)');
  await server.stop();
  process.off('SIGINT', onSecond);
  process.off('SIGTERM', onSecond);
  removeServerRecord(dataPath);
  if (!killed) say('stopped.');
  return killed ? 130 : 0;
}
