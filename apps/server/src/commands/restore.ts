import { resolve } from 'node:path';
import { findBackup } from '../backup/backup-folder.ts';
import { restoreBackup } from '../backup/restore-backup.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command } from '../command.ts';
import { dataPathOf } from '../settings.ts';

const USAGE = `tidemark restore BACKUP: puts a backup into an empty data folder, from which a server can then be started.

  --data FOLDER     where it goes (TIDEMARK_DATA; default ./data); empty, or not there yet

BACKUP is a backup that \`tidemark backup\` has made, or the folder of backups: then its newest one. Every file is held
against its hash, and nothing is restored of a damaged backup. The first start afterwards processes what the log of the
backup held and the stores did not yet.
`;

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'put a backup into an empty data folder',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('restore', { args, allowPositionals: true, options: { data: { type: 'string' } } });
    const [path, ...more] = positionals;
    if (path === undefined || more.length > 0) throw new CommandProblem('Which backup is to be restored?', 'give one: `tidemark restore /mnt/backups`.');
    const dataPath = dataPathOf(values.data, terminal.env);
    const backup = await findBackup(resolve(path));
    await restoreBackup(backup, dataPath, terminal.signal);
    terminal.out(`Restored ${backup.path} (of ${backup.manifest.takenAt}) into ${dataPath}.\n  Start it: tidemark start --data ${dataPath}\n`);
    return 0;
  },
};
