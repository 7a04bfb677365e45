/**
 * The React Native SDK in Hermes, the engine that apps run it in: through React Native's own Babel preset, as bytecode,
 * with the AbortController that React Native brings. Storage, network and timers are the host's, as they are native
 * there. By option, for the packages weigh 200 MB: TIDEMARK_HERMES=1 npx vitest run tests/sdks/hermes
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rolldown } from 'rolldown';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../architecture/sources.ts';
import { installed, requireClient } from '../clients/installed.ts';

const PACKAGES = process.env['TIDEMARK_HERMES'] ? installed(join(import.meta.dirname, 'hermes.json'), 'hermes') : undefined;
if (!PACKAGES) console.warn('the React Native SDK is not tried in Hermes (TIDEMARK_HERMES=1 installs the engine and does)');

interface SentEvent {
  eventId: string;
  eventName: string;
  anonymousId: string;
  sequence: number;
  properties?: Record<string, unknown>;
}

describe.skipIf(!PACKAGES)('the React Native SDK in Hermes', () => {
  let folder: string;
  const tool = (path: string): string => join(PACKAGES!, 'node_modules', path);
  const run = (program: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', timeout: 150_000 });
    expect(stderr.slice(0, 500)).toBe('');
    expect(status).toBe(0);
    return stdout;
  };
  let code: string;

  /** Through React Native's preset, for engines that have no classes (`default`) or as for the current Hermes. */
  const transform = (profile: 'default' | 'hermes-stable'): string => {
    const babel = requireClient<{ transformSync(code: string, options: object): { code: string } }>(
      PACKAGES!,
      '@babel/core',
    );
    const preset = [
      tool('@react-native/babel-preset'),
      { enableBabelRuntime: false, unstable_transformProfile: profile },
    ];
    const options = { presets: [preset], babelrc: false, configFile: false, sourceType: 'script', filename: 'app.js' };
    const path = join(folder, `${profile}.js`);
    writeFileSync(path, babel.transformSync(code, options).code);
    return path;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-hermes-'));
    const input = join(folder, 'app.js');
    writeFileSync(input, APP);
    const build = await rolldown({
      input,
      resolve: {
        conditionNames: ['tidemark-source'],
        alias: {
          '@tidemark/react-native': `${ROOT}/sdks/react-native/src/index.ts`,
          'abort-controller': tool('abort-controller/dist/abort-controller.js'),
        },
      },
      tsconfig: `${ROOT}/tsconfig.json`,
    });
    code = (await build.generate({ format: 'iife' })).output[0].code;
    await build.close();
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('captures, keeps through a restart without network, and sends each event once', () => {
    const bytecode = join(folder, 'app.hbc');
    run(tool('hermes-engine-cli/linux64-bin/hermesc'), '-w', '-O', '-emit-binary', '-out', bytecode, transform('default'));
    const said = run(tool('hermes-engine-cli/linux64-bin/hermes'), '-Xmicrotask-queue', '-b', bytecode);
    const lines = said.trim().split('\n');
    const sent = lines
      .filter((line) => line.startsWith('{'))
      .flatMap((line) => (JSON.parse(line) as { events: SentEvent[] }).events);
    expect(lines.at(-1)).toBe('left in storage: 0');
    expect(sent.map(({ eventName, properties }) => eventName ?? properties?.['name'])).toEqual([
      'application_installed',
      'application_opened',
      'viewed',
      'Tea',
      'queued',
      'application_opened',
      'later',
    ]);
    expect(sent.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(new Set(sent.map(({ anonymousId }) => anonymousId)).size).toBe(1);
    for (const { eventId } of sent)
      expect(eventId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(sent[2]!.properties).toEqual({ price: 8.9, text: 'Grüntee 茶 😀', big: '12' });
  });

  it('is taken by the compiler of the current Hermes', () => {
    const bytecode = join(folder, 'current.hbc');
    run(tool('hermes-compiler/hermesc/linux64-bin/hermesc'), '-w', '-O', '-emit-binary', '-out', bytecode, transform('hermes-stable'));
    expect(readFileSync(bytecode).length).toBeGreaterThan(10_000);
  });
});

/** The app: what is native in a phone is here, as little of it as the SDK is given. */
const APP = `
import { AbortController } from 'abort-controller';
import { createTidemark, trackScreens } from '@tidemark/react-native';

globalThis.AbortController = AbortController;
// Hermes has no timers of its own: the host calls.
globalThis.setTimeout = () => 0;
globalThis.clearTimeout = () => {};
globalThis.fetch = async (url, { body }) => {
  print(body);
  const text = JSON.stringify({ accepted: 1, receivedAt: '2026-01-01T00:00:00.000Z', rejected: [] });
  return { status: 202, headers: { get: () => null }, text: async () => text };
};

const stored = {};
const storage = {
  getAllKeys: async () => Object.keys(stored),
  getItem: async (key) => stored[key] ?? null,
  setItem: async (key, value) => void (stored[key] = value),
  getMany: async (keys) => Object.fromEntries(keys.map((key) => [key, stored[key] ?? null])),
  removeMany: async (keys) => keys.forEach((key) => delete stored[key]),
};
let connect;
const netInfo = { addEventListener: (listener) => ((connect = listener), () => {}) };
const appState = { addEventListener: () => ({ remove() {} }) };
const open = () => createTidemark({ writeKey: 'k', host: 'http://collector' }, { storage, netInfo, appState, app: { version: '1.0' } });

async function main() {
  const first = open();
  first.track('viewed', { price: 8.9, text: 'Grüntee 茶 😀', big: BigInt(12) });
  trackScreens(first, { getCurrentRoute: () => ({ name: 'Tea', key: 'Tea-1' }), addListener: () => () => {} });
  await first.flush();
  connect({ isConnected: false });
  first.track('queued');
  for (let i = 0; i < 50; i++) await null;
  const second = open();
  second.track('later');
  await second.flush();
  for (let i = 0; i < 50; i++) await null;
  print('left in storage: ' + Object.keys(stored).filter((key) => key.includes('queue')).length);
}
main().catch((error) => print('failed: ' + error + error.stack));
`;
