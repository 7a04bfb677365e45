import type { DeviceClient } from '@tidemark/sdk-core';
import type { NetInfoLike } from './platform.ts';

/** Offline nothing is tried; on a metered network `onMetered(true)` is told. Returns what ends it. */
export function followNetwork(
  client: DeviceClient,
  netInfo: NetInfoLike | undefined,
  onMetered: (metered: boolean) => void,
): () => void {
  if (!netInfo) return () => {};
  return netInfo.addEventListener(({ isConnected, details }) => {
    const expensive =
      typeof details === 'object' &&
      details !== null &&
      'isConnectionExpensive' in details &&
      details.isConnectionExpensive === true;
    onMetered(expensive);
    // null: not known yet.
    if (isConnected !== null) client.setOnline(isConnected);
  });
}
