import { completeOptions, createDeviceClient, lastingClear, withJournal } from '@tidemark/sdk-core';
import type { DeviceClient, Random, Transport } from '@tidemark/sdk-core';
import { openAppStorage } from './app-storage.ts';
import { followLifecycle } from './lifecycle.ts';
import { followNetwork } from './network.ts';
import type { TidemarkOptions } from './options.ts';
import type { Platform } from './platform.ts';

/** Fewer, larger uploads where the user pays for them, and the radio for each. */
const METERED_FACTOR = 5;

/** Resolves once the device's storage was read; `createTidemark` lets calls be made before. */
export async function startClient(options: TidemarkOptions, platform: Platform): Promise<DeviceClient> {
  const { writeKey, host, path = '/api/events/batch', debug, flushAt = 20, flushIntervalMs = 30_000 } = options;
  const storage = await openAppStorage(platform.storage, `tidemark.${String(writeKey).slice(-6)}.`);
  let factor = 1;
  const limits = {
    get flushAt() {
      return flushAt * factor;
    },
    get flushIntervalMs() {
      return flushIntervalMs * factor;
    },
  };
  const client = createDeviceClient(
    Object.defineProperties(
      completeOptions(options, {
        library: { name: '@tidemark/react-native', version: '0.1.0' },
        flushIntervalMs,
        maxBatchEvents: 200,
        maxBatchBytes: 400_000,
        privacySignal: false,
      }),
      Object.getOwnPropertyDescriptors(limits),
    ),
    {
      clock: {
        now: Date.now,
        after(ms, call) {
          const timer = setTimeout(call, ms);
          return () => clearTimeout(timer);
        },
      },
      random,
      state: storage.state,
      makeDurable: withJournal(lastingClear(storage.journal, storage.state)),
      transport: createAppTransport(host + path),
      context: () => readContext(platform),
      debug: debug === true ? (sentence) => console.log(`[tidemark] ${sentence}`) : debug || (() => {}),
    },
  );
  followNetwork(client, platform.netInfo, (metered) => (factor = metered ? METERED_FACTOR : 1));
  followLifecycle(client, platform, storage.state, options.captureLifecycle !== false);
  return client;
}

/** Hermes has `crypto` only with a polyfill; ids must be unlikely to meet, not impossible to guess. */
const random: Random = {
  bytes(length) {
    const bytes = new Uint8Array(length);
    const { crypto } = globalThis as { crypto?: { getRandomValues?(into: Uint8Array): void } };
    if (crypto?.getRandomValues) crypto.getRandomValues(bytes);
    else for (let i = 0; i < length; i++) bytes[i] = Math.floor(Math.random() * 256);
    return bytes;
  },
  fraction: Math.random,
};

/** The key in the body and JSON as text: React Native's fetch has neither gzip nor keepalive. */
function createAppTransport(url: string): Transport {
  return {
    async send(body, timeoutMs) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), timeoutMs);
      try {
        const response = await fetch(url, {
          method: 'POST',
          body,
          headers: { 'content-type': 'text/plain' },
          signal: abort.signal,
        });
        const text = await response.text().catch(() => undefined);
        return { status: response.status, body: text, retryAfter: response.headers.get('retry-after') ?? undefined };
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

function readContext({ app, os, device, locale, timezone }: Platform): Record<string, unknown> {
  return {
    ...(app && { app, appVersion: app.version }),
    ...(os && { os }),
    ...(device && { device }),
    ...(locale && { locale }),
    ...(timezone && { timezone }),
  };
}
