import { CommandProblem, parseFlags } from '../command.ts';
import type { Command } from '../command.ts';
import { dataPathOf, supervisorSocketPathOf } from '../settings.ts';
import { currentFormat, formatOf } from '../start/data-format.ts';
import type { RestartableRole } from '../start/server.ts';
import { giveOrder } from '../start/supervisor-socket.ts';

const USAGE = `tidemark restart [engine|collector|all]: puts new processes in the place of the running ones.

  --data FOLDER     the data folder of the server (TIDEMARK_DATA; default ./data)

Events go on being taken: while the engine restarts they wait in the log, and while the collector restarts connections
wait for the new one. Default: all, the engine first. After an upgrade of the program this starts the new version,
unless it brings a new data format: then stop the server and start it.
`;

const ROLES: Record<string, readonly RestartableRole[]> = {
  engine: ['engine'],
  collector: ['collector'],
  // A new engine reads what an old collector writes, not the other way round.
  all: ['engine', 'collector'],
};

export const restartCommand: Command = {
  name: 'restart',
  summary: 'restart a running server while it takes events',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('restart', { args, allowPositionals: true, options: { data: { type: 'string' } } });
    const [what = 'all', ...more] = positionals;
    const roles = Object.hasOwn(ROLES, what) ? ROLES[what] : undefined;
    if (roles === undefined || more.length > 0) {
      throw new CommandProblem(`'${positionals.join(' ')}' can't be restarted.`, 'give engine, collector or all.');
    }
    const dataPath = dataPathOf(values.data, terminal.env);
    const format = formatOf(dataPath);
    if (format !== undefined && format !== currentFormat()) {
      throw new CommandProblem(
        `The data folder has format ${format} and this version of Tidemark works with format ${currentFormat()}.`,
        'stop the server and start it: that brings the folder up to date.',
      );
    }
    const answer = await giveOrder(supervisorSocketPathOf(dataPath), { restart: roles });
    if (answer === undefined) {
      throw new CommandProblem(`No server is running on ${dataPath}.`, 'start one with `tidemark start`, or give its folder with --data.');
    }
    if ('failed' in answer) throw new CommandProblem(answer.failed, "read the server's words; `tidemark doctor` shows what is away.");
    for (const { role, awayMs } of answer.restarted) terminal.out(`Restarted the ${role}: it was away for ${(awayMs / 1000).toFixed(1)} s.\n`);
    return 0;
  },
};
