/** An app's life on a phone: installed, opened, offline, in the background, killed, updated. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTidemark, mmkvStorage, trackScreens } from './index.ts';
import type { Platform, TidemarkClient } from './index.ts';
import { createPhone } from './testing/phone.ts';
import type { Phone } from './testing/phone.ts';

let phone: Phone;
beforeEach(async () => {
  phone = await createPhone();
});
afterEach(() => phone.close());

const open = (more: Partial<Platform> = {}, flushIntervalMs = 60_000): TidemarkClient => {
  const { storage, appState, netInfo } = phone;
  return createTidemark(
    { writeKey: 'k', host: phone.host, flushIntervalMs },
    { storage, appState, netInfo, app: { name: 'Shop', version: '1.0' }, ...more },
  );
};
const names = (): (string | undefined)[] => phone.sent.map(({ eventName, type }) => eventName ?? type);

it('tells installation, opening and background, and sends when it goes to the background', async () => {
  const client = open();
  await client.ready;
  client.track('viewed');
  phone.become('inactive');
  phone.become('background');
  await expect
    .poll(names)
    .toEqual(['application_installed', 'application_opened', 'viewed', 'application_backgrounded']);
  phone.become('active');
  await client.flush();
  expect(names().slice(4)).toEqual(['application_opened']);
  expect(phone.sent[0]!.context).toMatchObject({
    app: { name: 'Shop' },
    appVersion: '1.0',
    library: { name: '@tidemark/react-native' },
  });
});

it('takes calls before its storage is read, with the time of the call, and goes on with the same device after an update', async () => {
  const first = open();
  const before = Date.now();
  first.track('early');
  const after = Date.now();
  await first.flush();
  const second = open({ app: { version: '1.1' } });
  await second.flush();
  expect(names()).toEqual([
    'application_installed',
    'application_opened',
    'early',
    'application_updated',
    'application_opened',
  ]);
  expect(new Set(phone.sent.map(({ anonymousId }) => anonymousId)).size).toBe(1);
  expect(phone.sent.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  const trackedAt = new Date(phone.sent[2]!.timestamp).getTime();
  expect([trackedAt >= before, trackedAt <= after]).toEqual([true, true]);
});

it('keeps what was queued in a tunnel when the app is killed, and sends it in the next life', async () => {
  const first = open();
  await first.ready;
  phone.connect(false);
  for (let n = 0; n < 50; n++) first.track('queued', { n });
  await expect.poll(() => [...phone.stored.keys()].filter((key) => key.includes('queue')).length).toBe(52);
  expect(phone.requests).toBe(0);
  const second = open();
  await second.flush();
  expect(
    phone.sent.filter(({ eventName }) => eventName === 'queued').map(({ properties }) => properties!['n']),
  ).toEqual(Array.from({ length: 50 }, (_, n) => n));
  await expect.poll(() => [...phone.stored.keys()].filter((key) => key.includes('queue')).length).toBe(0);
});

it('sends fewer, larger batches on a metered network', async () => {
  const client = open();
  await client.ready;
  phone.connect(true, true);
  for (let n = 0; n < 60; n++) client.track('metered');
  await new Promise((end) => setTimeout(end, 100));
  expect(phone.requests).toBe(0);
  phone.connect(true, false);
  client.track('free');
  await expect.poll(() => phone.requests).toBe(1);
});

it('tracks screens by route, without their parameters', async () => {
  const client = open();
  await client.ready;
  const listeners: (() => void)[] = [];
  let route = { name: 'Home', key: 'Home-1', params: { email: 'a@b.example' } };
  const stop = trackScreens(client, {
    getCurrentRoute: () => route,
    addListener: (_, listener) => (listeners.push(listener), () => listeners.splice(0)),
  });
  route = { name: 'Product', key: 'Product-1', params: { email: 'a@b.example' } };
  listeners.forEach((listener) => listener());
  listeners.forEach((listener) => listener());
  await client.flush();
  expect(phone.sent.filter(({ type }) => type === 'screen').map(({ properties }) => properties)).toEqual([
    { name: 'Home' },
    { name: 'Product' },
  ]);
  stop();
  expect(listeners).toEqual([]);
});

it('lives in MMKV as in AsyncStorage', async () => {
  const map = new Map<string, string>();
  const storage = mmkvStorage({
    getAllKeys: () => [...map.keys()],
    getString: (key) => map.get(key),
    set: (key, value) => void map.set(key, value),
    delete: (key) => void map.delete(key),
  });
  const client = open({ storage });
  await client.ready;
  phone.connect(false);
  client.track('kept');
  await expect.poll(() => map.size).toBeGreaterThan(4);
  await open({ storage }).flush();
  expect(names()).toContain('kept');
});

it('lives in AsyncStorage 3, which calls by other names', async () => {
  const { getAllKeys, setItem, multiGet, multiRemove } = phone.storage;
  const storage = {
    getAllKeys,
    setItem,
    getMany: async (keys: string[]) => Object.fromEntries(await multiGet(keys)),
    removeMany: multiRemove,
  };
  const first = open({ storage });
  await first.ready;
  phone.connect(false);
  first.track('kept');
  await expect.poll(() => [...phone.stored.keys()].filter((key) => key.includes('queue')).length).toBe(3);
  await open({ storage }).flush();
  expect(names()).toEqual(['application_installed', 'application_opened', 'kept', 'application_opened']);
  expect(new Set(phone.sent.map(({ anonymousId }) => anonymousId)).size).toBe(1);
  await expect.poll(() => [...phone.stored.keys()].filter((key) => key.includes('queue'))).toEqual([]);
});

it('remembers the installation from a late grant on, and forgets it with a denial', async () => {
  const { storage, appState, netInfo } = phone;
  const start = async (): Promise<TidemarkClient> => {
    const client = createTidemark(
      { writeKey: 'k', host: phone.host, consent: 'unknown', beforeSend: undefined, flushAt: undefined },
      { storage, appState, netInfo, app: { version: '1.0' } },
    );
    await client.ready;
    return client;
  };
  const first = await start();
  first.track('held');
  expect([phone.stored.size, phone.requests]).toEqual([0, 0]);
  first.consent({ analytics: true, advertising: false });
  await first.flush();
  const second = await start();
  await second.flush();
  expect(names()).toEqual(['application_installed', 'application_opened', 'held', 'application_opened']);
  for (const { context } of phone.sent)
    expect(context['consent']).toEqual({ categoryPreferences: { analytics: true, advertising: false } });
  phone.connect(false);
  second.track('queued');
  second.consent('denied');
  second.track('unheard');
  await expect.poll(() => phone.stored.size).toBe(0);
  phone.connect(true);
  await second.flush();
  expect(phone.sent).toHaveLength(4);
});

it('is inert without a write key', async () => {
  const { storage, appState, netInfo } = phone;
  const client = createTidemark({} as never, { storage, appState, netInfo });
  client.track('unheard');
  client.consent('granted');
  expect(await client.flush()).toBe(true);
  expect([phone.stored.size, phone.requests]).toEqual([0, 0]);
});

it('stores nothing while consent is denied', async () => {
  const { storage, appState, netInfo } = phone;
  const client = createTidemark({ writeKey: 'k', host: phone.host, consent: 'denied' }, { storage, appState, netInfo });
  await client.ready;
  client.track('unheard');
  await client.flush();
  expect([phone.stored.size, phone.requests]).toEqual([0, 0]);
});

it('deletes at the next start what an app that was killed after a denial could not', async () => {
  const multiRemove = (keys: string[]): Promise<void> =>
    keys.some((key) => key.includes('queue')) ? new Promise(() => {}) : phone.storage.multiRemove(keys);
  const first = open({ storage: { ...phone.storage, multiRemove } });
  await first.ready;
  phone.connect(false);
  first.track('withdrawn');
  const stored = (): string => [...phone.stored].flat().join();
  await expect.poll(stored).toContain('withdrawn');
  first.consent('denied');
  await expect.poll(stored).toContain('clearing');
  phone.connect(true);
  const second = open();
  second.track('new');
  await second.flush();
  expect(names()).not.toContain('withdrawn');
  expect(names()).toContain('new');
  await expect.poll(stored).not.toContain('clearing');
});
