import { setTimeout as delay } from 'node:timers/promises';
import { ACCESS_OPTIONS, ACCESS_USAGE, withAccess } from '../client/access.ts';
import { send, sendForJson } from '../client/http.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command, Terminal } from '../command.ts';
import { createProgressBar } from '../progress-bar.ts';

const USAGE = `tidemark rebuild [--from TIME] [--to TIME] [--event NAME]: makes the tables of events again from the lake.

  --from TIME       events from this time on, such as 2026-01-01 or 2026-01-01T12:00:00Z (UTC)
  --to TIME         events before this time
  --event NAME      months with events of this name
  --allow-loss      events that a table holds and the lake does not may go; else nothing is swapped then
  --status          only say how far it is
  --cancel          end it and leave the tables as they are

${ACCESS_USAGE}
They are made beside the live tables and swapped in, while events go on being taken and questions answered. A month is what
can be swapped at once, so months are made again whole. Ctrl-C ends this command only: the rebuild goes on, also after a
restart of the server, and the command with no other flags than these follows it again.
`;

interface Rebuild {
  state: 'none' | 'running' | 'done' | 'failed' | 'cancelled';
  phase: string | null;
  months: string[] | null;
  startedAt: string | null;
  endedAt: string | null;
  rows: number;
  totalRows: number;
  secondsLeft: number | null;
  error: { code: string; detail: string } | null;
}

interface Server {
  url: string;
  token: string;
}

const POLL_MS = 500;
/** A server that restarts goes on with the rebuild; one that stays away for longer does not come back by itself. */
const AWAY_MS = 120_000;

export const rebuildCommand: Command = {
  name: 'rebuild',
  summary: 'make the tables again from the lake',
  usage: USAGE,
  async run(args, terminal) {
    const { values } = parseFlags('rebuild', {
      args,
      options: {
        ...ACCESS_OPTIONS,
        from: { type: 'string' },
        to: { type: 'string' },
        event: { type: 'string' },
        'allow-loss': { type: 'boolean' },
        status: { type: 'boolean' },
        cancel: { type: 'boolean' },
      },
    });
    const asked = {
      ...(values.from === undefined ? {} : { from: timeOf('from', values.from) }),
      ...(values.to === undefined ? {} : { to: timeOf('to', values.to) }),
      ...(values.event === undefined ? {} : { event: values.event }),
      ...(values['allow-loss'] ? { allowLoss: true } : {}),
    };
    return withAccess({ ...values, admin: true }, terminal.env, async (server) => {
      if (values.status) return told(await call(server, 'GET'), terminal);
      if (values.cancel) return told(await call(server, 'DELETE'), terminal);
      const before = await call(server, 'GET');
      if (before.state !== 'running') await call(server, 'POST', asked);
      else if (Object.keys(asked).length > 0) throw new CommandProblem('A rebuild is running already.', 'wait for it with `tidemark rebuild`, or end it with `tidemark rebuild --cancel`.');
      return follow(server, terminal);
    });
  },
};

function call({ url, token }: Server, method: 'GET' | 'POST' | 'DELETE', body?: object): Promise<Rebuild> {
  return sendForJson<Rebuild>({ url: `${url}/api/rebuild`, method, token, ...(body === undefined ? {} : { body }) });
}

async function follow(server: Server, terminal: Terminal): Promise<number> {
  const bar = createProgressBar(terminal, 'events');
  try {
    for (let away = 0; ; ) {
      terminal.signal.throwIfAborted();
      const rebuild = await stateOf(server);
      away = rebuild === undefined ? away + POLL_MS : 0;
      if (away > AWAY_MS) throw new CommandProblem('The server stays away.', 'start it: the rebuild goes on by itself, and `tidemark rebuild --status` tells how far it is.');
      if (rebuild !== undefined && rebuild.state !== 'running') {
        bar.end();
        return told(rebuild, terminal);
      }
      if (rebuild !== undefined) bar.update(rebuild.rows, rebuild.totalRows, rebuild.rows);
      await delay(POLL_MS, undefined, { signal: terminal.signal });
    }
  } catch (error) {
    bar.end();
    if (terminal.signal.aborted) terminal.err('The rebuild goes on; `tidemark rebuild --status` tells how far it is, `--cancel` ends it.\n');
    throw error;
  }
}

/** undefined while the server is away. */
async function stateOf({ url, token }: Server): Promise<Rebuild | undefined> {
  try {
    const response = await send({ url: `${url}/api/rebuild`, token });
    return response.ok ? ((await response.json()) as Rebuild) : undefined;
  } catch (error) {
    if (error instanceof CommandProblem || error instanceof TypeError) return undefined;
    throw error;
  }
}

function told({ state, phase, months, startedAt, endedAt, rows, totalRows, secondsLeft, error }: Rebuild, { out, err }: Terminal): number {
  const what = months === null ? 'everything' : `the months ${months.join(', ')}`;
  if (state === 'none') out('There was no rebuild yet.\n');
  else if (state === 'running') out(`Rebuilding ${what}: ${phase}, ${rows} of ${totalRows} events${secondsLeft === null ? '' : `, some ${secondsLeft} s left`}\n`);
  else if (state === 'done') out(`Rebuilt ${what}: ${rows} events in ${seconds(startedAt, endedAt)} s\n`);
  else if (state === 'cancelled') out(`The rebuild of ${what} was cancelled; the tables are as they were.\n`);
  else err(`tidemark: The rebuild of ${what} failed (${error?.code}): ${error?.detail}\n`);
  return state === 'failed' ? 1 : 0;
}

function seconds(from: string | null, to: string | null): string {
  return ((Date.parse(to ?? '') - Date.parse(from ?? '')) / 1000).toFixed(1);
}

function timeOf(flag: string, text: string): string {
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new CommandProblem(`--${flag} '${text}' is no time.`, 'give one such as 2026-01-31 or 2026-01-31T12:00:00Z.');
  return new Date(ms).toISOString();
}
