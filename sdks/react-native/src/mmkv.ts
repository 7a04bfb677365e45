import type { AsyncStorageLike } from './platform.ts';

/** The least of an instance of `react-native-mmkv`. */
export interface MmkvLike {
  getAllKeys(): string[];
  getString(key: string): string | undefined;
  set(key: string, value: string): void;
  /** `remove` since version 4. */
  delete?(key: string): void;
  remove?(key: string): void;
}

/** MMKV in the place of AsyncStorage: synchronous, and faster. */
export function mmkvStorage(mmkv: MmkvLike): AsyncStorageLike {
  const remove = (key: string): void => {
    if (mmkv.remove) mmkv.remove(key);
    else mmkv.delete?.(key);
  };
  return {
    getAllKeys: async () => mmkv.getAllKeys(),
    multiGet: async (keys) => keys.map((key) => [key, mmkv.getString(key) ?? null] as const),
    setItem: async (key, value) => mmkv.set(key, value),
    multiRemove: async (keys) => keys.forEach(remove),
  };
}
