/** What every subcommand of `tidemark` is, and how it reads its flags. */
import { parseArgs } from 'node:util';
import type { ParseArgsConfig } from 'node:util';

export interface Command {
  name: string;
  /** One line for the list of commands. */
  summary: string;
  /** The whole help text. */
  usage: string;
  /** Returns the exit code. Throws CommandProblem or StartProblem for what the user can mend. */
  run(args: string[], terminal: Terminal): Promise<number>;
}

/** Where a command reads and writes; tests bring their own. */
export interface Terminal {
  out(text: string): void;
  /** Progress and complaints, so that stdout can be piped on. */
  err(text: string): void;
  /** Columns of the screen. */
  width: number;
  /** True when stderr is a screen on which a line may be redrawn. */
  redraws: boolean;
  color: boolean;
  env: NodeJS.ProcessEnv;
  /** Aborted by Ctrl-C and SIGTERM. */
  signal: AbortSignal;
}

/** A mistake in how a command was called, or a server that can't be reached: one sentence, one fix. */
export class CommandProblem extends Error {
  readonly fix: string;

  constructor(sentence: string, fix: string, options?: ErrorOptions) {
    super(sentence, options);
    this.name = 'CommandProblem';
    this.fix = fix;
  }
}

/** util.parseArgs, strict, with its complaint in our form. */
export function parseFlags<T extends ParseArgsConfig>(command: string, config: T): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const [sentence = ''] = error.message.split('. ');
    throw new CommandProblem(`${sentence}.`, `see \`tidemark ${command} --help\`.`, { cause: error });
  }
}
