/**
 * The example app as Metro bundles it, with React Native itself and the JavaScript of AsyncStorage, NetInfo and AppState;
 * only what is native in a phone is played here, and the network. By option, for the packages weigh 400 MB and a bundle
 * takes a minute: TIDEMARK_METRO=1 npx vitest run tests/sdks/metro
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TidemarkClient } from '@tidemark/react-native';
import { ROOT } from '../architecture/sources.ts';
import { installed, requireClient } from '../clients/installed.ts';

const PACKAGES = process.env['TIDEMARK_METRO'] ? installed(join(import.meta.dirname, 'metro.json'), 'metro') : undefined;
if (!PACKAGES) console.warn('the example app is not bundled by Metro (TIDEMARK_METRO=1 installs it and does)');

interface App {
  tidemark: TidemarkClient;
  /** Says what the phone's own side would. */
  emit(event: string, body: object): void;
}

interface SentEvent {
  eventName: string;
  sequence: number;
  context: Record<string, unknown>;
}

describe.skipIf(!PACKAGES)('the example app', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tidemark-metro-'));
    // A project as an app's: its own files, and the SDK's sources beside it.
    for (const file of ['App.tsx', 'tidemark.ts']) cpSync(`${ROOT}/examples/react-native/${file}`, join(folder, file));
    symlinkSync(join(PACKAGES!, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'babel.config.js'), `module.exports = { presets: ['@react-native/babel-preset'] };`);
    writeFileSync(join(folder, 'index.js'), ENTRY);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const title = 'bundled for %s, asks first, keeps what is tracked without network, and follows the app to the background';
  it.each(['ios', 'android'])(title, { timeout: 300_000 }, async (platform) => {
    const phone = startPhone(await bundle(folder, platform));
    const { tidemark, emit } = phone.app;
    const queued = (): string[] => [...phone.stored.keys()].filter((key) => key.includes('queue'));
    const names = (): string[] => phone.sent.map(({ eventName }) => eventName);
    tidemark.track('view_product');
    await tidemark.ready;
    expect(phone.stored.size).toBe(0);
    tidemark.consent({ analytics: true });
    await expect.poll(queued).toHaveLength(3);
    emit('netInfo.networkStatusDidChange', { ...WIFI, type: 'none', isConnected: false });
    tidemark.track('add_to_cart');
    expect(await tidemark.flush()).toBe(false);
    expect(phone.sent).toEqual([]);
    emit('netInfo.networkStatusDidChange', WIFI);
    await expect.poll(names).toEqual(['application_installed', 'application_opened', 'view_product', 'add_to_cart']);
    emit('appStateDidChange', { app_state: 'background' });
    await expect.poll(() => names().at(-1)).toBe('application_backgrounded');
    emit('appStateDidChange', { app_state: 'active' });
    await tidemark.flush();
    expect(phone.sent.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(phone.sent[0]!.context).toMatchObject({ os: { name: platform }, consent: { categoryPreferences: { analytics: true } } });
    await expect.poll(queued).toEqual([]);
  });
});

/** The app's client as the app makes it; its screens are in the bundle and wait for a phone to draw them. */
const ENTRY = `
import { AppRegistry } from 'react-native';
import Emitter from 'react-native/Libraries/EventEmitter/RCTDeviceEventEmitter';
import { tidemark } from './tidemark.ts';
AppRegistry.registerComponent('app', () => require('./App.tsx').default);
globalThis.app = { tidemark, emit: (event, body) => Emitter.emit(event, body) };
`;

interface Metro {
  runBuild(config: object, options: object): Promise<unknown>;
}
interface MetroConfig {
  getDefaultConfig(folder: string): object;
  mergeConfig(...configs: object[]): object;
}

async function bundle(folder: string, platform: string): Promise<string> {
  const { getDefaultConfig, mergeConfig } = requireClient<MetroConfig>(PACKAGES!, '@react-native/metro-config');
  const config = mergeConfig(getDefaultConfig(folder), {
    projectRoot: folder,
    watchFolders: [folder, PACKAGES!, `${ROOT}/sdks`],
    resolver: {
      nodeModulesPaths: [join(PACKAGES!, 'node_modules')],
      extraNodeModules: { '@tidemark/react-native': `${ROOT}/sdks/react-native`, '@tidemark/sdk-core': `${ROOT}/sdks/core` },
    },
    maxWorkers: 1,
    reporter: { update() {} },
    // Nothing is left behind.
    cacheStores: [],
    fileMapCacheDirectory: folder,
  });
  const out = join(folder, 'bundle.js');
  await requireClient<Metro>(PACKAGES!, 'metro').runBuild(config, { entry: 'index.js', platform, dev: false, minify: false, out });
  return readFileSync(out, 'utf8');
}

const WIFI = { type: 'wifi', isConnected: true, isInternetReachable: true, details: {} };

/** Runs a bundle as a phone does that plays the native halves of what the SDK is given. */
function startPhone(code: string): { app: App; sent: SentEvent[]; stored: Map<string, string> } {
  const sent: SentEvent[] = [];
  const stored = new Map<string, string>();
  const listening = { addListener() {}, removeListeners() {} };
  const size = { width: 390, height: 844, scale: 3, fontScale: 1 };
  const modules: Record<string, object> = {
    AppState: {
      ...listening,
      getConstants: () => ({ initialAppState: 'active' }),
      getCurrentAppState: (told: (state: object) => void) => told({ app_state: 'active' }),
    },
    RNCNetInfo: { ...listening, configure() {}, getCurrentState: async () => WIFI },
    RNAsyncStorage: {
      legacy_getAllKeys: async () => [...stored.keys()],
      legacy_multiGet: async (keys: string[]) => keys.map((key) => [key, stored.get(key) ?? null]),
      legacy_multiSet: async (pairs: [string, string][]) => pairs.forEach(([key, text]) => stored.set(key, text)),
      legacy_multiRemove: async (keys: string[]) => keys.forEach((key) => stored.delete(key)),
    },
    // What React Native itself asks for at its start.
    PlatformConstants: {
      getConstants: () => ({ osVersion: '18.0', Version: 35, Release: '15', isTesting: false, reactNativeVersion: {} }),
    },
    DeviceInfo: { getConstants: () => ({ Dimensions: { window: size, screen: size } }) },
    SourceCode: { getConstants: () => ({ scriptURL: '' }) },
    ExceptionsManager: {
      reportException(exception: { message: string }) {
        throw new Error(exception.message);
      },
    },
    // All as they are by default.
    NativeReactNativeFeatureFlagsCxx: {},
    NativePerformanceCxx: { now: () => performance.now() },
    NativeMicrotasksCxx: { queueMicrotask: (call: () => void) => queueMicrotask(call) },
  };
  const context = createContext({
    console,
    performance,
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    RN$Bridgeless: true,
    RN$registerCallableModule() {},
    nativePerformanceNow: () => performance.now(),
    __turboModuleProxy: (name: string) => modules[name] ?? null,
    nativeModuleProxy: modules,
  }) as Record<string, unknown>;
  Object.assign(context, { global: context, window: context });
  runInContext(code, context);
  context['fetch'] = async (_: string, { body }: { body: string }) => {
    sent.push(...(JSON.parse(body) as { events: SentEvent[] }).events);
    const text = JSON.stringify({ accepted: 1, receivedAt: '2026-01-01T00:00:00.000Z', rejected: [] });
    return { status: 202, headers: { get: () => null }, text: async () => text };
  };
  return { app: context['app'] as App, sent, stored };
}
