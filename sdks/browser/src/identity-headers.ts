import type { DeviceClient } from '@tidemark/sdk-core';

/** Headers for requests to one's own backend: its events (`@tidemark/node`, `middleware`) are then of this device and session. None without consent. */
export function identityHeaders(client: DeviceClient): Record<string, string> {
  if (client.consentStatus !== 'granted') return {};
  return { 'x-tidemark-anonymous-id': client.anonymousId, 'x-tidemark-session-id': client.sessionId };
}
