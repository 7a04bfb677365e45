/** The `tidemark` command: finds the subcommand, gives it a terminal, and turns errors into words and exit codes. */
import { CommandProblem } from './command.ts';
import type { Command, Terminal } from './command.ts';
import { askCommand } from './commands/ask.ts';
import { backupCommand } from './commands/backup.ts';
import { demoCommand } from './commands/demo.ts';
import { doctorCommand } from './commands/doctor.ts';
import { importCommand } from './commands/import.ts';
import { quarantineCommand } from './commands/quarantine.ts';
import { rebuildCommand } from './commands/rebuild.ts';
import { restoreCommand } from './commands/restore.ts';
import { restartCommand } from './commands/restart.ts';
import { startCommand } from './commands/start.ts';
import { tokenCommand } from './commands/token.ts';
import { StartProblem } from './start-problem.ts';
import { readVersion } from './version.ts';

const COMMANDS: readonly Command[] = [
  startCommand,
  restartCommand,
  backupCommand,
  restoreCommand,
  rebuildCommand,
  quarantineCommand,
  askCommand,
  importCommand,
  demoCommand,
  doctorCommand,
  tokenCommand,
];

/** @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  const [name = 'help', ...rest] = args;
  if (name === '--version' || name === '-v') {
    terminal.out(`${readVersion()}\n`);
    return 0;
  }
  if (name === 'help' || name === '--help' || name === '-h') {
    const asked = COMMANDS.find((each) => each.name === rest[0]);
    terminal.out(asked ? asked.usage : overview());
    return 0;
  }
  const command = COMMANDS.find((each) => each.name === name);
  if (!command) {
    terminal.err(
      `tidemark: There is no command '${name}'.\n  Fix: use one of ${COMMANDS.map((each) => each.name).join(', ')}.\n`,
    );
    return 2;
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    terminal.out(command.usage);
    return 0;
  }
  return runCommand(command, rest, terminal);
}

async function runCommand(command: Command, args: string[], terminal: Terminal): Promise<number> {
  try {
    return await command.run(args, terminal);
  } catch (error) {
    // 128 + 2, as shells say of what Ctrl-C ended.
    if (terminal.signal.aborted) return 130;
    if (error instanceof StartProblem || error instanceof CommandProblem) {
      terminal.err(`tidemark: ${error.message}\n  Fix: ${error.fix}\n`);
    } else {
      terminal.err(`tidemark: ${error instanceof Error ? error.stack : String(error)}\n`);
    }
    return 1;
  }
}

function overview(): string {
  const lines = COMMANDS.map((each) => `  ${each.name.padEnd(12)}${each.summary}`);
  return `Tidemark ${readVersion()}: self-hosted clickstream analytics.\n\n${lines.join('\n')}\n\n\`tidemark COMMAND --help\` says more of one.\n`;
}

function processTerminal(): Terminal {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
  // A reader that went away (`tidemark ask … | head`) is no fault of the command.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    width: process.stdout.columns ?? 100,
    redraws: process.stderr.isTTY === true,
    color: process.stdout.isTTY === true && !process.env['NO_COLOR'],
    env: process.env,
    signal: stop.signal,
  };
}
