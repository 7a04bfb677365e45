import { chooseProject, withControl } from '../client/access.ts';
import { parseFlags } from '../command.ts';
import type { Command } from '../command.ts';
import { dataPathOf } from '../settings.ts';

const USAGE = `tidemark token: makes a new API token, for when the first one is lost. It is shown once.

  --name TEXT       what it is for (default "Made on the command line")
  --admin           may also make and delete projects
  --project ID      (default: the first)
  --data FOLDER     (TIDEMARK_DATA; default ./data)

Whoever can write the data folder can do this; a running server takes the token at once.
`;

export const tokenCommand: Command = {
  name: 'token',
  summary: 'make a new API token',
  usage: USAGE,
  async run(args, terminal) {
    const { values } = parseFlags('token', {
      args,
      options: {
        name: { type: 'string' },
        admin: { type: 'boolean' },
        project: { type: 'string' },
        data: { type: 'string' },
      },
    });
    const secret = await withControl(dataPathOf(values.data, terminal.env), async (control) => {
      const project = await chooseProject(control, values.project);
      const name = values.name ?? 'Made on the command line';
      return (await control.tokens.create({ project, name, admin: values.admin ?? false, actor: 'cli' })).secret;
    });
    terminal.out(`${secret}\n`);
    return 0;
  },
};
