/** What the process of a query finds of the machine: its program, the system's libraries and one folder; and what it may write. */
import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canConfine, confined, unconfined, type Command } from './confine.ts';
import { RESULTS_FOLDER } from './order.ts';

const home = mkdtempSync(join(tmpdir(), 'tidemark-confine-'));
const [handed, root, own, data, program] = ['handed', 'root', 'own', 'data', 'program'].map((name) => join(home, name)) as [string, string, string, string, string];
const SECRET = join(data, 'log.mdb');
const FILE_BYTES = 10 << 20;
const WORKS = 'works';

/** Tries this and that, and says of each that it works, or why not. */
const PROBE = `
import { accessSync, constants, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
const [folder, secret, port, fileBytes] = process.argv.slice(2);
const tried = (act) => {
  try {
    act();
    return '${WORKS}';
  } catch (error) {
    return error.code;
  }
};
const sized = (bytes) => {
  writeFileSync(join(folder, '${RESULTS_FOLDER}', 'sized'), Buffer.alloc(bytes));
  rmSync(join(folder, '${RESULTS_FOLDER}', 'sized'));
};
const socket = connect(Number(port), '127.0.0.1');
const connected = await new Promise((resolve) => socket.once('connect', () => resolve('${WORKS}')).once('error', ({ code }) => resolve(code)));
socket.destroy();
console.log(JSON.stringify({
  readsHanded: tried(() => readFileSync(join(folder, 'rows'))),
  writesResults: tried(() => writeFileSync(join(folder, '${RESULTS_FOLDER}', 'result'), 'made inside')),
  changesHanded: tried(() => accessSync(join(folder, 'rows'), constants.W_OK)),
  addsToHanded: tried(() => accessSync(folder, constants.W_OK)),
  writesTemporary: tried(() => writeFileSync(join(tmpdir(), 'scratch'), 'x')),
  writesAsMuchAsMay: tried(() => sized(Number(fileBytes))),
  writesMore: tried(() => sized(Number(fileBytes) + 512 + 1)),
  readsData: tried(() => readFileSync(secret)),
  readsPasswords: tried(() => readFileSync('/etc/passwd')),
  changesLibraries: tried(() => accessSync('/usr', constants.W_OK)),
  connected,
  others: readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && Number(name) !== process.pid).length,
  rights: /^CapEff:\\s*(\\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1],
  secrets: Object.keys(process.env).filter((name) => name.startsWith('TIDEMARK_')),
}));
`;

/** Asked of the machine itself, so that a mistake in the code's own commands is not taken for a machine that allows none. */
const allowsNamespaces = spawnSync('unshare', [
  '--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts', '--pid', '--fork',
  'sh', '-c', 'mount -t tmpfs tmpfs "$1" && mkdir "$1/proc" && mount -t proc proc "$1/proc"', 'sh', home,
]).status === 0;

let listener: Server;
let connections = 0;
beforeAll(async () => {
  for (const folder of [join(handed, RESULTS_FOLDER), root, own, data, program]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(program, 'probe.mjs'), PROBE);
  writeFileSync(join(handed, 'rows'), 'rows');
  writeFileSync(SECRET, 'secret');
  process.env['TIDEMARK_PROBE'] = 'secret';
  listener = createServer(() => connections++).listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterAll(() => {
  listener.close();
  rmSync(home, { recursive: true, force: true });
});

async function probed(make: (...args: Parameters<typeof confined>) => Command, space: string): Promise<Record<string, unknown>> {
  const { file, args, folder, env } = make(join(program, 'probe.mjs'), handed, space, FILE_BYTES);
  const { port } = listener.address() as AddressInfo;
  const { stdout } = await promisify(execFile)(file, [...args, folder, SECRET, String(port), String(FILE_BYTES)], { env, timeout: 60_000 });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What it needs. */
const NEEDED = { readsHanded: WORKS, writesResults: WORKS, writesTemporary: WORKS, writesAsMuchAsMay: WORKS, writesMore: 'EFBIG', secrets: [] };

it('a machine that allows namespaces is known as one', () => {
  expect(canConfine()).toBe(allowsNamespaces);
});

describe.skipIf(!allowsNamespaces)('confined (skipped where users may make no namespaces)', () => {
  it('finds its folder, and nothing of the data, the users, the network and other processes', async () => {
    const before = connections;
    expect(await probed(confined, root)).toEqual({
      ...NEEDED,
      readsData: 'ENOENT', readsPasswords: 'ENOENT', changesLibraries: 'EROFS', changesHanded: 'EROFS', addsToHanded: 'EROFS', connected: 'ENETUNREACH', others: 0, rights: '0000000000000000',
    });
    expect(connections).toBe(before);
    expect(readFileSync(join(handed, RESULTS_FOLDER, 'result'), 'utf8')).toBe('made inside');
  });
});

it('a plain process finds what the probe looks for, and may make no larger file either', async () => {
  const before = connections;
  expect(await probed(unconfined, own)).toMatchObject({ ...NEEDED, readsData: WORKS, readsPasswords: WORKS, connected: WORKS });
  await expect.poll(() => connections).toBe(before + 1);
});
