import type { CapturedEvent } from '../event.ts';
import type { DeviceOptions } from './client.ts';
import type { ConsentStatus } from './consent.ts';

/** What a host may say to the client of a page and of an app alike. */
export interface ClientOptions {
  /** The key of a source of the project. It may be public: it can only add events. Without one nothing is captured. */
  writeKey: string;
  /** The address at the collector; another one (of a first-party proxy) must lead to it. Default `/api/events/batch`. */
  path?: string | undefined;
  /** What holds until somebody chooses (SPEC P). Default `granted`. */
  consent?: ConsentStatus | undefined;
  /** The consent category that decides whether events are captured. Default `analytics`. */
  consentCategory?: string | undefined;
  /** Sees each event before it is stored or sent; returns it, changed or not, or `null` to end it (SPEC E2). */
  beforeSend?: ((event: CapturedEvent) => CapturedEvent | null) | undefined;
  /** True writes every decision to the console; a function is given the sentences. */
  debug?: boolean | ((sentence: string) => void) | undefined;
  /** A batch goes when so many events wait (default 20), or the oldest has waited so long (default 5,000 ms in a page, 30,000 in an app). */
  flushAt?: number | undefined;
  flushIntervalMs?: number | undefined;
  /** The queue holds at most so much; the oldest make room (SPEC Q1). Defaults 1,000 events, 2 MB. */
  maxQueueEvents?: number | undefined;
  maxQueueBytes?: number | undefined;
}

/** What the platform decides. */
type PlatformOptions = Pick<
  DeviceOptions,
  'library' | 'flushIntervalMs' | 'maxBatchEvents' | 'maxBatchBytes' | 'privacySignal'
>;

/** With what holds where the host says nothing, or says `undefined`. */
export function completeOptions(given: ClientOptions, platform: PlatformOptions): DeviceOptions {
  const options: Record<string, unknown> = {
    writeKey: '',
    consent: 'granted',
    consentCategory: 'analytics',
    beforeSend: undefined,
    flushAt: 20,
    maxQueueEvents: 1_000,
    maxQueueBytes: 2_000_000,
    timeoutMs: 30_000,
    minDelayMs: 1_000,
    maxDelayMs: 300_000,
    maxHeldEvents: 100,
    ...platform,
  };
  for (const key in options) options[key] = given[key as keyof ClientOptions] ?? options[key];
  return options as unknown as DeviceOptions;
}
