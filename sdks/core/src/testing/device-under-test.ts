import { createDeviceClient } from '../device/client.ts';
import type { DeviceClient, DeviceOptions, DevicePorts } from '../device/client.ts';
import { withJournal } from '../journalled-queue.ts';
import type { Random } from '../ports.ts';
import { createManualClock } from './manual-clock.ts';
import type { ManualClock } from './manual-clock.ts';
import { createMemoryStorage } from './memory-storage.ts';
import type { MemoryStorage } from './memory-storage.ts';
import { createScriptedCollector } from './scripted-collector.ts';
import type { ScriptedCollector } from './scripted-collector.ts';

/** Small limits, so that few events meet them. */
export const SMALL: DeviceOptions = {
  writeKey: 'c'.repeat(25),
  library: { name: 'tidemark-test', version: '1' },
  maxQueueEvents: 20,
  maxQueueBytes: 20_000,
  maxBatchEvents: 8,
  maxBatchBytes: 8_000,
  flushAt: 4,
  flushIntervalMs: 5_000,
  timeoutMs: 10_000,
  minDelayMs: 1_000,
  maxDelayMs: 60_000,
  maxHeldEvents: 5,
  consent: 'granted',
  consentCategory: 'analytics',
  privacySignal: false,
};

/** A device with its storage and its server; `start` begins a life of the client on it. */
export interface TestDevice {
  clock: ManualClock;
  storage: MemoryStorage;
  collector: ScriptedCollector;
  said: string[];
  start(options?: Partial<DeviceOptions>, ports?: Partial<DevicePorts>): DeviceClient;
}

export function createTestDevice(seed = 1): TestDevice {
  const clock = createManualClock(Date.UTC(2026, 4, 3, 10));
  const storage = createMemoryStorage();
  const collector = createScriptedCollector();
  const random = createSeededRandom(seed);
  const said: string[] = [];
  return {
    clock,
    storage,
    collector,
    said,
    start: (options = {}, ports = {}) =>
      createDeviceClient(
        { ...SMALL, ...options },
        {
          clock,
          random,
          state: storage.state,
          makeDurable: withJournal(storage.journal),
          transport: collector,
          context: () => ({}),
          debug: (sentence) => said.push(sentence),
          ...ports,
        },
      ),
  };
}

/** Mulberry32: the same draws for the same seed. */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return { fraction, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(fraction() * 256)) };
}
