import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createBackup } from '../backup/create-backup.ts';
import { withAccess } from '../client/access.ts';
import { send, sendForJson } from '../client/http.ts';
import { CommandProblem, parseFlags } from '../command.ts';
import type { Command, Terminal } from '../command.ts';
import { dataPathOf } from '../settings.ts';
import { lockFolder } from '../start/folder-lock.ts';
import type { FolderLock } from '../start/folder-lock.ts';
import { StartProblem } from '../start-problem.ts';
import { readVersion } from '../version.ts';

const USAGE = `tidemark backup FOLDER: copies everything that a running server holds into FOLDER.

  --data FOLDER     the data folder of the server (TIDEMARK_DATA; default ./data)

Each backup is a folder in FOLDER, named by its time. Files that the backup before it has too are shared by hard links, so
a backup takes the room of what is new; old ones may be deleted in any order. The server goes on taking events and
answering questions. Best on another disk. Run it as the user of the server, on the same machine.

Everything acknowledged before the command began is in the backup. \`tidemark restore\` puts one back.
`;

export const backupCommand: Command = {
  name: 'backup',
  summary: 'copy everything of a running server into a folder',
  usage: USAGE,
  async run(args, terminal) {
    const { values, positionals } = parseFlags('backup', { args, allowPositionals: true, options: { data: { type: 'string' } } });
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) throw new CommandProblem('Where is the backup to go?', 'give one folder: `tidemark backup /mnt/backups`.');
    const dataPath = dataPathOf(values.data, terminal.env);
    const target = resolve(folder);
    if (target === dataPath || target.startsWith(`${dataPath}/`)) {
      throw new CommandProblem(`${target} is in the data folder.`, 'give a folder outside of it, best on another disk.');
    }
    if (!existsSync(join(dataPath, 'format.json'))) throw new CommandProblem(`There is no Tidemark data in ${dataPath}.`, 'give the data folder with --data.');
    const lock = await lockBackup(dataPath);
    try {
      return await backUp(dataPath, target, terminal);
    } finally {
      lock.release();
    }
  },
};

interface Snapshot {
  id: string;
  takenAt: string;
  heldMs: number;
}

/** The server beside the data folder and no other, hence without the environment's address and token. */
function backUp(dataPath: string, target: string, { out, signal }: Terminal): Promise<number> {
  return withAccess({ data: dataPath, admin: true }, {}, async ({ url, token }) => {
    const startedAt = performance.now();
    const { id, takenAt, heldMs } = await sendForJson<Snapshot>({ url: `${url}/api/backups`, method: 'POST', token, signal });
    const snapshotPath = join(dataPath, 'backups', id);
    try {
      if (!existsSync(snapshotPath)) throw new CommandProblem(`The server at ${url} does not keep its data in ${dataPath}.`, 'give its data folder with --data.');
      const backup = await createBackup({ dataPath, snapshotPath, name: id, takenAt, target, version: readVersion(), signal });
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      out(`Backup ${backup.path}\n  ${backup.files} files, ${megabytes(backup.bytes)} MB, of which ${megabytes(backup.sharedBytes)} MB are shared with the one before\n`);
      out(`  took ${seconds} s; the stores were held for ${heldMs.toFixed(0)} ms, and events were taken all the while\n`);
      return 0;
    } finally {
      // What can't be removed now goes with the next backup or start.
      await send({ url: `${url}/api/backups/${id}`, method: 'DELETE', token }).catch(() => {});
    }
  });
}

async function lockBackup(dataPath: string): Promise<FolderLock> {
  try {
    return await lockFolder(dataPath, 'backup', 0);
  } catch (error) {
    if (!(error instanceof StartProblem)) throw error;
    throw new CommandProblem(`Another backup of ${dataPath} is being made.`, 'wait for it to end.', { cause: error });
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1024 ** 2).toFixed(1);
}
