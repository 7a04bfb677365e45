import type { CallOptions, DeviceClient, Properties } from '@tidemark/sdk-core';
import { startClient } from './app-client.ts';
import type { TidemarkOptions } from './options.ts';
import type { Platform } from './platform.ts';

export { mmkvStorage } from './mmkv.ts';
export type { MmkvLike } from './mmkv.ts';
export { trackScreens } from './screens.ts';
export type { NavigationLike } from './screens.ts';
export type { TidemarkOptions } from './options.ts';
export type { AppStateLike, AsyncStorageLike, NetInfoLike, Platform } from './platform.ts';

/** The device's client, and when it is there; calls before that are made then, with the time of the call. */
export type TidemarkClient = Pick<
  DeviceClient,
  'track' | 'screen' | 'identify' | 'group' | 'alias' | 'reset' | 'consent' | 'flush'
> & {
  readonly ready: Promise<DeviceClient>;
};

/** Starts at once; what is stored on the device is read beside. */
export function createTidemark(options: TidemarkOptions, platform: Platform): TidemarkClient {
  let client: DeviceClient | undefined;
  let early: ((started: DeviceClient) => void)[] = [];
  const ready = startClient(options, platform).then((started) => {
    client = started;
    for (const call of early) call(started);
    early = [];
    return started;
  });
  // Storage that can't be read is said by whoever awaits `ready`; a host that doesn't must not fall over it.
  ready.catch(() => {});
  const soon = (call: (started: DeviceClient) => void): void => {
    if (client) call(client);
    else if (early.length < MAX_EARLY_CALLS) early.push(call);
  };
  const stamped = (call: CallOptions = {}): CallOptions => (client ? call : { timestamp: Date.now(), ...call });
  return {
    ready,
    track(eventName, properties, call) {
      const at = stamped(call);
      soon((started) => started.track(eventName, properties, at));
    },
    screen(name: string, properties?: Properties, call?: CallOptions) {
      const at = stamped(call);
      soon((started) => started.screen(name, properties, at));
    },
    identify(userId, traits, call) {
      const at = stamped(call);
      soon((started) => started.identify(userId, traits, at));
    },
    group(groupId, traits, call) {
      const at = stamped(call);
      soon((started) => started.group(groupId, traits, at));
    },
    alias(userId, previousId, call) {
      const at = stamped(call);
      soon((started) => started.alias(userId, previousId, at));
    },
    reset: () => soon((started) => started.reset()),
    consent: (choice) => soon((started) => started.consent(choice)),
    flush: () => ready.then((started) => started.flush()).catch(() => false),
  };
}

/** More than that before the storage was read once is a fault of the host's. */
const MAX_EARLY_CALLS = 1_000;
