/** The project that the demo lives in: found by its name, made when absent, removed as a whole. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Access, AccessFlags } from '../client/access.ts';
import { send, sendForJson } from '../client/http.ts';
import { findWriteKey } from '../client/write-key.ts';

export const DEMO_NAME = 'Demo shop';
const KEY_POLL_MS = 100;
const KEY_POLLS = 50;

export interface DemoProject {
  id: string;
  writeKey: string;
  /** Shown once, when the project is made. */
  token: string | undefined;
}

interface NewProject {
  project: { id: string };
  key: { key: string };
  token: { secret: string };
}

export async function findOrMakeProject(
  access: Access,
  flags: AccessFlags,
  env: NodeJS.ProcessEnv,
): Promise<DemoProject> {
  const [id] = await demoProjects(access);
  if (id !== undefined) return { id, writeKey: await findWriteKey({ ...flags, project: id }, env), token: undefined };
  const { url, token } = access;
  const made = await sendForJson<NewProject>({
    url: `${url}/api/projects`,
    method: 'POST',
    token,
    body: { name: DEMO_NAME },
  });
  await keyIsKnown(url, made.key.key);
  return { id: made.project.id, writeKey: made.key.key, token: made.token.secret };
}

/** Collectors learn of a new key within two seconds. An empty batch asks whether they have. */
async function keyIsKnown(url: string, writeKey: string): Promise<void> {
  for (let asked = 0; asked < KEY_POLLS; asked++) {
    const { status } = await send({
      url: `${url}/api/events/batch`,
      method: 'POST',
      token: writeKey,
      body: { events: [] },
    });
    if (status !== 401) return;
    await delay(KEY_POLL_MS);
  }
}

/** @returns how many there were */
export async function removeProjects(access: Access): Promise<number> {
  const ids = await demoProjects(access);
  const { url, token } = access;
  for (const id of ids) {
    await sendForJson({ url: `${url}/api/projects/${encodeURIComponent(id)}`, method: 'DELETE', token });
  }
  return ids.length;
}

async function demoProjects({ url, token }: Access): Promise<string[]> {
  const { projects } = await sendForJson<{ projects: { id: string; name: string }[] }>({
    url: `${url}/api/projects`,
    token,
  });
  return projects.filter(({ name }) => name === DEMO_NAME).map(({ id }) => id);
}
