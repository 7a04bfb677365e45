/**
 * How a command reaches a server: by flag, by environment, or, beside a data folder, by itself. In the last case it
 * makes an API token of its own in the control store and revokes it when done, so that no token ever lies in a file.
 */
import { existsSync } from 'node:fs';
import { openControl } from '@tidemark/control';
import type { Control } from '@tidemark/control';
import { CommandProblem } from '../command.ts';
import { DEFAULT_HOST, DEFAULT_PORT, dataPathOf } from '../settings.ts';
import { systemCode } from '../start-problem.ts';
import { controlPathOf } from '../start/server.ts';
import { readServerRecord } from '../start/server-record.ts';

export const ACCESS_OPTIONS = {
  url: { type: 'string' },
  token: { type: 'string' },
  data: { type: 'string' },
  project: { type: 'string' },
} as const;

export const ACCESS_USAGE = `Reaching the server:
  --url URL         (TIDEMARK_URL; default: the server of the data folder)
  --token TOKEN     an API token (TIDEMARK_API_TOKEN; default: one made for this command alone, and only
                    where the data folder can be opened)
  --data FOLDER     the data folder (TIDEMARK_DATA; default ./data)
  --project ID      a project of that folder (default: its first)
`;

export interface AccessFlags {
  url?: string | undefined;
  token?: string | undefined;
  data?: string | undefined;
  project?: string | undefined;
}

export interface Access {
  /** Without a slash at the end. */
  url: string;
  token: string;
  /** Revokes the token if it was made for this command. */
  release(): Promise<void>;
}

/**
 * Runs `work` with access, which ends with it. `admin` is for making and deleting projects.
 * @throws CommandProblem when there is no way in
 */
export async function withAccess<T>(
  flags: AccessFlags & { admin?: boolean },
  env: NodeJS.ProcessEnv,
  work: (access: Access) => Promise<T>,
): Promise<T> {
  const access = await openAccess(flags, env);
  try {
    return await work(access);
  } finally {
    await access.release();
  }
}

async function openAccess(flags: AccessFlags & { admin?: boolean }, env: NodeJS.ProcessEnv): Promise<Access> {
  const url = serverUrl(flags, env);
  // A token of the environment is the first project's: it says nothing of another.
  const given = flags.token ?? (flags.project === undefined ? env['TIDEMARK_API_TOKEN'] : undefined);
  if (given) return { url, token: given, release: async () => {} };
  if (flags.url !== undefined || env['TIDEMARK_URL']) {
    throw new CommandProblem(
      `The server at ${url} needs an API token.`,
      'give one with --token or TIDEMARK_API_TOKEN.',
    );
  }
  const minted = await mintToken(dataPathOf(flags.data, env), flags.project, flags.admin ?? false);
  return { url, ...minted };
}

/** Where the server is: the flag, the environment, the record in the data folder, the default. */
export function serverUrl(flags: AccessFlags, env: NodeJS.ProcessEnv): string {
  const given = flags.url ?? (env['TIDEMARK_URL'] || undefined);
  if (given === undefined)
    return readServerRecord(dataPathOf(flags.data, env))?.url ?? `http://${DEFAULT_HOST}:${DEFAULT_PORT}`;
  if (!URL.canParse(given) || !/^https?:$/.test(new URL(given).protocol)) {
    throw new CommandProblem(
      `'${given}' is not an http or https address.`,
      `give one such as http://${DEFAULT_HOST}:${DEFAULT_PORT}.`,
    );
  }
  return given.replace(/\/+$/, '');
}

/** Runs `work` on the control store of a data folder. @throws CommandProblem when there is none */
export async function withControl<T>(dataPath: string, work: (control: Control) => Promise<T>): Promise<T> {
  const path = controlPathOf(dataPath);
  if (!existsSync(path)) {
    throw new CommandProblem(
      `There is no Tidemark data in ${dataPath}.`,
      'give the data folder with --data, or the address and a token of a server elsewhere with --url and --token.',
    );
  }
  const control = await openControl(path);
  try {
    return await work(control);
  } finally {
    await control.close();
  }
}

/** The project asked for, or the oldest. @throws CommandProblem */
export async function chooseProject(control: Control, id: string | undefined): Promise<string> {
  const projects = await control.projects.list();
  const [first] = projects;
  if (!first) throw new CommandProblem('The data folder holds no project yet.', 'run `tidemark start` first.');
  if (id === undefined || projects.some((each) => each.id === id)) return id ?? first.id;
  const names = projects.map((each) => `${each.id} (${each.name})`).join(', ');
  throw new CommandProblem(`There is no project '${id}'.`, `use one of ${names}.`);
}

const ACTOR = 'cli';
/** The process in the name tells which tokens were left by commands that were killed. */
const TOKEN_NAME = /^Command line, process (\d+)$/;

async function mintToken(
  dataPath: string,
  projectId: string | undefined,
  admin: boolean,
): Promise<{ token: string; release(): Promise<void> }> {
  const { project, id, secret } = await withControl(dataPath, async (control) => {
    const chosen = await chooseProject(control, projectId);
    await revokeLeftOver(control, chosen);
    const made = await control.tokens.create({
      project: chosen,
      name: `Command line, process ${process.pid}`,
      admin,
      actor: ACTOR,
    });
    return { project: chosen, id: made.id, secret: made.secret };
  });
  return {
    token: secret,
    release: () => withControl(dataPath, (control) => control.tokens.revoke({ project, id, actor: ACTOR })),
  };
}

/** Of a data folder that no command can be at work on: all tokens that commands have made for themselves. */
export async function revokeCommandTokens(control: Control): Promise<void> {
  for (const { id: project } of await control.projects.list()) {
    for (const { id, name } of await control.tokens.list(project)) {
      if (TOKEN_NAME.test(name)) await control.tokens.revoke({ project, id, actor: ACTOR });
    }
  }
}

async function revokeLeftOver(control: Control, project: string): Promise<void> {
  for (const { id, name } of await control.tokens.list(project)) {
    const pid = TOKEN_NAME.exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) await control.tokens.revoke({ project, id, actor: ACTOR });
  }
}

/** Signal 0 asks whether a process exists; EPERM means that it does, as somebody else's. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
