/**
 * What the host hands in of React Native: no import of ours, so no native code, no version to fit, and it works in Expo.
 * Each is the least of the module that is named.
 */

/** `@react-native-async-storage/async-storage`: 1 and 2 have other calls for many keys than 3. */
export type AsyncStorageLike = Single & (ManyBefore3 | ManySince3);

interface Single {
  getAllKeys(): Promise<readonly string[]>;
  setItem(key: string, value: string): Promise<void>;
}
interface ManyBefore3 {
  multiGet(keys: readonly string[]): Promise<readonly (readonly [string, string | null])[]>;
  multiRemove(keys: readonly string[]): Promise<void>;
}
interface ManySince3 {
  getMany(keys: string[]): Promise<Record<string, string | null>>;
  removeMany(keys: string[]): Promise<void>;
}

/** `AppState` of react-native. */
export interface AppStateLike {
  addEventListener(type: 'change', listener: (state: string) => void): { remove(): void };
}

/** The default export of `@react-native-community/netinfo`. */
export interface NetInfoLike {
  addEventListener(listener: (state: { isConnected: boolean | null; details?: unknown }) => void): () => void;
}

export interface Platform {
  storage: AsyncStorageLike;
  appState?: AppStateLike;
  netInfo?: NetInfoLike;
  /** Of the app, for `context.app` and to tell an installation from an update. */
  app?: { name?: string; version?: string; build?: string; namespace?: string };
  /** Of the device, for `context.os` and `context.device`: `Platform.OS`, `Platform.Version`, … */
  os?: { name: string; version?: string };
  device?: { manufacturer?: string; model?: string; type?: string };
  locale?: string;
  timezone?: string;
}
