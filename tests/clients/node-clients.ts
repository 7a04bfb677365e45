/** Other vendors' Node clients, each started with nothing but our address and key. */
import { WRITE_KEY } from '../server-under-test.ts';
import { requireClient } from './installed.ts';

/** A vendor's client, in the few words that the cases need. */
export interface Client {
  /** `consent`: Segment's shape, where each vendor's has a place for it. */
  track(userId: string, event: string, properties: Record<string, unknown>, consent?: object): void;
  identify(userId: string, traits: Record<string, unknown>): void;
  alias?(userId: string, previousId: string): void;
  group?(userId: string, groupId: string, traits: Record<string, unknown>): void;
  close(): Promise<unknown>;
}

export const NODE_CLIENTS = ['@segment/analytics-node', '@rudderstack/rudder-sdk-node', 'posthog-node', '@jitsu/js'];

type Loose = Record<string, (...args: unknown[]) => unknown>;

/** `flush` is how large and how old its batches get; `{}` leaves that to the client. `folder` is that of `installedClients`. */
export function createClient(folder: string, kind: string, host: string, flush: object = { flushAt: 10, flushInterval: 200 }): Client {
  switch (kind) {
    case '@segment/analytics-node': {
      const { Analytics } = requireClient<{ Analytics: new (options: object) => Loose }>(folder, kind);
      const client = new Analytics({ writeKey: WRITE_KEY, host, ...flush });
      client['on']!('error', () => {});
      return {
        track: (userId, event, properties, consent) =>
          client['track']!({ userId, event, properties, ...(consent && { context: { consent } }) }),
        identify: (userId, traits) => client['identify']!({ userId, traits }),
        alias: (userId, previousId) => client['alias']!({ userId, previousId }),
        group: (userId, groupId, traits) => client['group']!({ userId, groupId, traits }),
        close: async () => client['closeAndFlush']!({ timeout: 60_000 }),
      };
    }
    case '@rudderstack/rudder-sdk-node': {
      const Rudder = requireClient<new (key: string, options: object) => Loose>(folder, kind);
      const client = new Rudder(WRITE_KEY, {
        dataPlaneUrl: host,
        ...flush,
        errorHandler: () => {},
      });
      return {
        track: (userId, event, properties, consent) =>
          client['track']!({ userId, event, properties, ...(consent && { context: { consent } }) }),
        identify: (userId, traits) => client['identify']!({ userId, traits }),
        alias: (userId, previousId) => client['alias']!({ userId, previousId }),
        group: (userId, groupId, traits) => client['group']!({ userId, groupId, traits }),
        close: async () => client['flush']!(),
      };
    }
    case 'posthog-node': {
      const { PostHog } = requireClient<{ PostHog: new (key: string, options: object) => Loose }>(folder, kind);
      const client = new PostHog(WRITE_KEY, { host, ...flush });
      return {
        track: (distinctId, event, properties, consent) =>
          client['capture']!({ distinctId, event, properties: { ...properties, ...(consent && { consent }) } }),
        identify: (distinctId, properties) => client['identify']!({ distinctId, properties }),
        alias: (distinctId, alias) => client['alias']!({ distinctId, alias }),
        group: (distinctId, groupKey, properties) =>
          client['groupIdentify']!({ groupType: 'company', groupKey, properties, distinctId }),
        close: async () => client['shutdown']!(20_000),
      };
    }
    default: {
      const { jitsuAnalytics } = requireClient<{ jitsuAnalytics: (options: object) => Loose }>(folder, kind);
      const client = jitsuAnalytics({ host, writeKey: `${WRITE_KEY}:secret`, s2s: true, runtime: undefined });
      const sent: unknown[] = [];
      return {
        track: (userId, event, properties, consent) =>
          sent.push(client['track']!(event, { ...properties }, { userId, ...(consent && { context: { consent } }) })),
        identify: (userId, traits) => sent.push(client['identify']!(userId, traits)),
        close: async () => Promise.all(sent),
      };
    }
  }
}
