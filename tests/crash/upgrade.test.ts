/**
 * Upgrades in place. Steps of the data format are killed -9 at every moment. With `TIDEMARK_UPGRADE_FROM=<commit or tag>`
 * that version is built from this repository, takes events, and is killed with some of them not yet processed; this version
 * is started on its folder, killed at random while it brings it up to date, and then holds every event, once. And it is stopped under
 * load and this version started in its place, while clients go on.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll, expect, it } from 'vitest';
import { API_TOKEN, ServerUnderTest, WRITE_KEY } from '../server-under-test.ts';
import { LedgerClient, seededRandom } from './ledger.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const FROM = process.env['TIDEMARK_UPGRADE_FROM'];
const SEED = Number(process.env['TIDEMARK_SEED'] ?? Date.now() % 1_000_000);
const folder = mkdtempSync(join(tmpdir(), 'tidemark-upgrade-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a step that was cut short is done again, whenever it was cut, and the others are not', async () => {
  const program = join(folder, 'step-process.mjs');
  const bundle = await rolldown({ input: join(import.meta.dirname, 'upgrade/step-process.ts'), platform: 'node', external: /^node:/ });
  await bundle.write({ file: program, format: 'esm' });
  const run = (dataPath: string, moment: number | 'never') => spawnSync(process.execPath, [program, dataPath, String(moment)], { encoding: 'utf8' });
  const moments = 9;
  for (let moment = 0; moment < moments; moment++) {
    const dataPath = join(folder, `data-${moment}`);
    mkdirSync(dataPath);
    writeFileSync(join(dataPath, 'format.json'), '{"format":1,"createdBy":"old","createdAt":"2026-01-01T00:00:00Z"}');
    expect(run(dataPath, moment).signal).toBe('SIGKILL');
    // The step that was under way counts as not done.
    const format = () => (JSON.parse(readFileSync(join(dataPath, 'format.json'), 'utf8')) as { format: number; createdBy: string }).format;
    expect(format()).toBe(1 + Math.floor(moment / 3));
    const again = run(dataPath, 'never');
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(JSON.parse(again.stdout)).toEqual([2, 3, 4].slice(Math.floor(moment / 3)).map((to) => `Format ${to}.`));
    expect(format()).toBe(4);
    expect(readFileSync(join(dataPath, 'second-4'), 'utf8')).toBe('data 2 3 4');
  }
  expect(moments).toBe(9);
});

if (FROM === undefined) console.warn('SKIPPED: the upgrade from an older build needs TIDEMARK_UPGRADE_FROM, a commit or tag of this repository.');

it.skipIf(FROM === undefined)(`the data folder of ${FROM} holds every event once after the upgrade, also when that was killed`, async () => {
  const dataPath = join(folder, 'data');
  const older = await startOlder(dataPath, 0);
  const { url } = older;
  const sent: string[] = [];
  const send = async (to: string, count: number): Promise<void> => {
    const events = Array.from({ length: count }, () => {
      sent.push(`e${sent.length}`);
      return { eventId: sent.at(-1), eventName: `name_${sent.length % 5}`, userId: `u${sent.length % 7}`, timestamp: Date.UTC(2026, 0, 5), properties: { n: sent.length } };
    });
    const response = await fetch(`${to}/api/events/batch`, { method: 'POST', headers: { authorization: `Bearer ${WRITE_KEY}` }, body: JSON.stringify({ events: [...events, { eventId: `bad-${sent.length}` }] }) });
    expect(response.status).toBe(202);
  };
  for (let batch = 0; batch < 10; batch++) await send(url, 100);
  await sleep(2_000);
  // These are acknowledged and wait in the log.
  for (let batch = 0; batch < 10; batch++) await send(url, 100);
  await older.end('SIGKILL');

  for (const afterMs of [1_200, 1_800, 2_500]) {
    const cut = spawn(process.execPath, [join(ROOT, 'bin/tidemark.mjs'), 'start', '--data', dataPath, '--port', '0'], { stdio: 'ignore', detached: true });
    await sleep(afterMs);
    expect(cut.exitCode, 'it refused to start').toBeNull();
    process.kill(-cut.pid!, 'SIGKILL');
    await once(cut, 'exit');
  }
  const server = await ServerUnderTest.start({ dataPath });
  try {
    await server.ready();
    await send(server.url, 100);
    const balance = await server.drained();
    expect(balance).toMatchObject({ received: sent.length + 21, stored: sent.length, quarantined: 21, duplicate: 0, difference: 0 });
    const response = await server.request('/api/events/export', { format: 'ndjson', from: '2026-01-01T00:00:00Z', to: '2026-02-01T00:00:00Z' });
    const ids = (await response.text()).trimEnd().split('\n').map((line) => (JSON.parse(line) as { eventId: string }).eventId);
    expect(ids.toSorted()).toEqual(sent.toSorted());
  } finally {
    await server.stop();
  }
}, 300_000);

it.skipIf(FROM === undefined)(`${FROM} is stopped and this version started in its place under load: nothing acknowledged is lost, nothing doubled (seed ${SEED})`, async () => {
  const dataPath = join(folder, 'loaded');
  const port = await freePort();
  const older = await startOlder(dataPath, port);
  const client = new LedgerClient(older, seededRandom(SEED));
  const lastBy = { older: 0, newer: 0 };
  let isOlder = true;
  client.onAcknowledged = () => {
    if (isOlder) lastBy.older = performance.now();
    else if (lastBy.newer === 0) lastBy.newer = performance.now();
  };
  client.start(2);
  await expect.poll(() => client.acknowledged.size).toBeGreaterThan(2_000);
  await older.end('SIGTERM');
  isOlder = false;
  const byOlder = client.acknowledged.size;
  const server = await ServerUnderTest.start({ dataPath, port });
  try {
    await expect.poll(() => client.acknowledged.size).toBeGreaterThan(byOlder + 2_000);
    await client.stop();
    console.log(`nothing was acknowledged for ${((lastBy.newer - lastBy.older) / 1000).toFixed(1)} s`);
    await server.ready();
    expect(await server.drained()).toMatchObject({ difference: 0 });
    const response = await server.request('/api/events/export', { format: 'ndjson', from: '2025-12-31T00:00:00Z', to: '2026-02-01T00:00:00Z' });
    const ids = (await response.text()).trimEnd().split('\n').map((line) => (JSON.parse(line) as { eventId: string }).eventId);
    const unique = new Set(ids);
    expect([...client.acknowledged].filter((id) => !unique.has(id)), 'acknowledged and lost').toEqual([]);
    expect(ids.length - unique.size, 'doubled').toBe(0);
    expect([...unique].filter((id) => !client.sent.has(id)), 'never sent').toEqual([]);
  } finally {
    await server.stop();
  }
}, 300_000);

interface Older {
  url: string;
  /** Sends the signal to all its processes where it is SIGKILL, else to the first; resolves when that has ended. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
}

async function startOlder(dataPath: string, port: number): Promise<Older> {
  const older = spawn(process.execPath, [olderProgram(), 'start', '--data', dataPath, '--port', String(port)], {
    env: { ...process.env, TIDEMARK_WRITE_KEY: WRITE_KEY, TIDEMARK_API_TOKEN: API_TOKEN },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  let words = '';
  older.stdout.setEncoding('utf8').on('data', (text) => (words += String(text)));
  for (let waited = 0; !words.includes('is running'); waited++) {
    expect(waited, 'the older version did not start').toBeLessThan(600);
    await sleep(100);
  }
  return {
    url: /http:\/\/127\.0\.0\.1:\d+/.exec(words)![0],
    async end(signal) {
      const ended = once(older, 'exit');
      process.kill(signal === 'SIGKILL' ? -older.pid! : older.pid!, signal);
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

let built: string | undefined;
function olderProgram(): string {
  return (built ??= buildOlder(FROM!));
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Builds an older version aside, with the packages that are installed here; returns its program. */
function buildOlder(version: string): string {
  const older = join(folder, 'older');
  const git = spawnSync('git', ['clone', '--quiet', '--no-checkout', ROOT, older], { stdio: 'inherit' });
  expect(git.status).toBe(0);
  expect(spawnSync('git', ['-C', older, 'checkout', '--quiet', version], { stdio: 'inherit' }).status, `there is no ${version}`).toBe(0);
  const [from, to] = [realpathSync(join(ROOT, 'node_modules')), join(older, 'node_modules')];
  mkdirSync(join(to, '@tidemark'), { recursive: true });
  for (const name of readdirSync(from)) if (name !== '@tidemark' && name !== '.package-lock.json') symlinkSync(join(from, name), join(to, name));
  cpSync(join(from, '.package-lock.json'), join(to, '.package-lock.json'));
  // Its own workspaces, not ours.
  for (const group of ['packages', 'apps']) {
    for (const name of readdirSync(join(older, group))) {
      const manifest = join(older, group, name, 'package.json');
      if (!existsSync(manifest)) continue;
      const { name: full } = JSON.parse(readFileSync(manifest, 'utf8')) as { name: string };
      symlinkSync(join(older, group, name), join(to, full));
    }
  }
  return join(older, 'bin/tidemark.mjs');
}
