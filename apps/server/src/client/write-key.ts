import { CommandProblem } from '../command.ts';
import { dataPathOf } from '../settings.ts';
import { chooseProject, withControl } from './access.ts';
import type { AccessFlags } from './access.ts';

/** The key to send with: the flag, the environment, or a live one of the data folder's project. @throws CommandProblem */
export async function findWriteKey(
  flags: AccessFlags & { 'write-key'?: string | undefined },
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const given = flags['write-key'] ?? (flags.project === undefined ? env['TIDEMARK_WRITE_KEY'] : undefined);
  if (given) return given;
  if (flags.url !== undefined || env['TIDEMARK_URL']) {
    throw new CommandProblem(
      'Which project is it for?',
      'give a write key of it with --write-key or TIDEMARK_WRITE_KEY.',
    );
  }
  return withControl(dataPathOf(flags.data, env), async (control) => {
    const project = await chooseProject(control, flags.project);
    const [first] = await control.keys.list(project);
    if (first) return first.key;
    throw new CommandProblem(
      `The project ${project} has no live write key.`,
      'make one, or give one with --write-key.',
    );
  });
}
